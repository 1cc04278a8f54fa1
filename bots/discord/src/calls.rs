//! The requests the desk makes, one function each.

use crate::rest::{PAGE, Rest, RestError};
use serde_json::Value;
use serde_json::value::RawValue;
use serenity::http::{LightMethod, Route};
use serenity::model::id::{ApplicationId, ChannelId, InteractionId, MessageId};

impl Rest {
    /// The bot's own account.
    pub async fn me(&self) -> Result<Value, RestError> {
        self.json(Route::UserMe, LightMethod::Get, None, None).await
    }

    /// The application the bot belongs to.
    pub async fn application(&self) -> Result<Value, RestError> {
        self.json(
            Route::Oauth2ApplicationCurrent,
            LightMethod::Get,
            None,
            None,
        )
        .await
    }

    /// Where the gateway is, and how often it may be entered.
    pub async fn gateway(&self) -> Result<Value, RestError> {
        self.json(Route::GatewayBot, LightMethod::Get, None, None)
            .await
    }

    /// The slash commands registered.
    pub async fn commands(&self, application: u64) -> Result<Value, RestError> {
        let route = Route::Commands {
            application_id: ApplicationId::new(application),
        };
        let all = Some(vec![("with_localizations", "true".to_owned())]);
        self.json(route, LightMethod::Get, None, all).await
    }

    /// Replaces the slash commands.
    pub async fn set_commands(&self, application: u64, commands: &Value) -> Result<(), RestError> {
        let route = Route::Commands {
            application_id: ApplicationId::new(application),
        };
        self.ask(route, LightMethod::Put, Some(commands), None)
            .await
            .map(drop)
    }

    /// The conversation with a person, opened when there is none.
    pub async fn open(&self, user: u64) -> Result<Value, RestError> {
        let body = serde_json::json!({ "recipient_id": user.to_string() });
        self.json(
            Route::UserMeDmChannels,
            LightMethod::Post,
            Some(&body),
            None,
        )
        .await
    }

    /// Messages after one, oldest first, as they were sent.
    pub async fn after(
        &self,
        channel: u64,
        after: u64,
    ) -> Result<Vec<(u64, Box<RawValue>)>, RestError> {
        let route = Route::ChannelMessages {
            channel_id: ChannelId::new(channel),
        };
        let params = vec![("after", after.to_string()), ("limit", PAGE.to_string())];
        let bytes = self
            .ask(route, LightMethod::Get, None, Some(params))
            .await?;
        let unreadable = || RestError::Away("a page of messages could not be read".into());
        let page: Vec<Box<RawValue>> = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        let mut messages = Vec::new();
        for raw in page {
            let id = serde_json::from_str::<Value>(raw.get())
                .ok()
                .and_then(|message| crate::snowflake::parse(message.get("id")?.as_str()?));
            messages.push((id.ok_or_else(unreadable)?, raw));
        }
        messages.sort_by_key(|(id, _)| *id);
        Ok(messages)
    }

    /// One message, for fresh addresses of its files.
    pub async fn message(&self, channel: u64, message: u64) -> Result<Value, RestError> {
        let route = Route::ChannelMessage {
            channel_id: ChannelId::new(channel),
            message_id: MessageId::new(message),
        };
        self.json(route, LightMethod::Get, None, None).await
    }

    /// Writes into a conversation.
    pub async fn post(&self, channel: u64, body: &Value) -> Result<Value, RestError> {
        let route = Route::ChannelMessages {
            channel_id: ChannelId::new(channel),
        };
        self.json(route, LightMethod::Post, Some(body), None).await
    }

    /// Shows that the bot is writing.
    pub async fn typing(&self, channel: u64) -> Result<(), RestError> {
        let route = Route::ChannelTyping {
            channel_id: ChannelId::new(channel),
        };
        self.ask(route, LightMethod::Post, None, None)
            .await
            .map(drop)
    }

    /// The first answer to an interaction.
    pub async fn answer(
        &self,
        interaction: u64,
        token: &str,
        body: &Value,
    ) -> Result<(), RestError> {
        let route = Route::InteractionResponse {
            interaction_id: InteractionId::new(interaction),
            token,
        };
        self.ask(route, LightMethod::Post, Some(body), None)
            .await
            .map(drop)
    }

    /// The message that answers an interaction.
    pub async fn original(&self, application: u64, token: &str) -> Result<Value, RestError> {
        let route = Route::WebhookOriginalInteractionResponse {
            application_id: ApplicationId::new(application),
            token,
        };
        self.json(route, LightMethod::Get, None, None).await
    }

    /// Fills that message.
    pub async fn edit_original(
        &self,
        application: u64,
        token: &str,
        body: &Value,
    ) -> Result<Value, RestError> {
        let route = Route::WebhookOriginalInteractionResponse {
            application_id: ApplicationId::new(application),
            token,
        };
        self.json(route, LightMethod::Patch, Some(body), None).await
    }

    /// A further message that answers an interaction.
    pub async fn follow_up(
        &self,
        application: u64,
        token: &str,
        body: &Value,
    ) -> Result<Value, RestError> {
        let route = Route::WebhookFollowupMessages {
            application_id: ApplicationId::new(application),
            token,
        };
        let wait = Some(vec![("wait", "true".to_owned())]);
        self.json(route, LightMethod::Post, Some(body), wait).await
    }
}
