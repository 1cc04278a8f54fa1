//! What every store promises, told against `Arc<dyn Store>`. Another database joins with one line below.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod inbox;
mod outbox;
mod restart;
mod settings;
mod sqlite_only;
mod tickets;
mod world;

/// Each story runs in a world of its own, once for each database.
macro_rules! run_on {
    ($database:ident, $world:ty: $($module:ident :: { $($story:ident),+ $(,)? })+) => {
        mod $database {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $story() {
                    let world = <$world as crate::world::World>::fresh().await;
                    crate::$module::$story(&world).await;
                })+
            })+
        }
    };
}

macro_rules! every_story_on {
    ($database:ident, $world:ty) => {
        run_on!($database, $world:
            inbox::{
                an_arrival_is_stored_with_its_cursor_and_read_back_byte_for_byte,
                the_same_external_id_is_stored_once_a_channel,
                a_renumbered_arrival_with_known_content_is_dropped_and_its_new_id_is_known,
                ids_are_found_by_prefix_whatever_signs_it_holds,
                arrivals_are_claimed_oldest_first_and_only_once_while_the_lease_runs,
                eight_workers_claim_four_hundred_arrivals_each_exactly_once,
                a_released_arrival_waits_until_its_time,
                the_ledger_shows_every_arrival_in_order_of_storing,
                an_ignored_arrival_is_restored_once_and_claimed_again,
            }
            tickets::{
                a_commit_is_read_back_as_it_was_written,
                a_link_is_seen_from_both_tickets,
                a_second_decision_about_one_arrival_is_refused_and_writes_nothing,
                a_save_with_an_old_version_is_refused,
                a_commit_whose_last_statement_fails_leaves_nothing,
                tickets_are_listed_by_the_next_running_clock,
                a_filter_narrows_the_list,
                unsettled_are_the_open_and_those_whose_clock_is_not_met,
                a_key_is_taken_once_and_refuses_the_whole_commit_of_the_second,
                a_verdict_of_the_scanner_is_not_taken_back_by_its_silence,
                an_undeliverable_address_is_known_in_any_case_until_it_is_lifted,
                message_ids_lead_to_their_tickets,
                reserved_ids_are_never_given_twice,
            }
            outbox::{
                a_departure_goes_out_once_and_ends_as_sent,
                a_retry_waits_until_its_time_and_keeps_the_servers_words,
                in_a_ticket_departures_leave_in_order_unless_the_earlier_is_dead,
                an_attempt_without_an_end_makes_the_departure_uncertain,
                a_clean_retry_is_not_uncertain,
                a_dead_letter_tells_its_ticket_in_the_same_transaction,
                a_dead_letter_can_be_sent_again,
                a_delivery_told_after_the_lease_counts,
                automatic_messages_are_counted_by_address_ticket_and_desk,
                eight_senders_claim_every_departure_exactly_once,
            }
            settings::{
                the_first_value_of_a_setting_wins,
                the_store_says_that_it_can_be_written,
            }
            restart::{
                what_was_acknowledged_is_there_after_a_restart,
                a_claim_of_a_dead_process_is_taken_up_when_its_lease_ends,
                a_delivery_cut_off_by_a_crash_is_uncertain_after_the_restart,
            }
        );
    };
}

every_story_on!(sqlite, crate::world::SqliteWorld);
