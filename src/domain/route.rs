//! stub
use crate::domain::ids::*; use crate::domain::language::Lang; use crate::domain::ticket::*; use serde::Serialize;
/// f
pub struct RouteFacts<'a> { pub channel_desk: Option<DeskId>, pub recipients: &'a [String], pub subject: &'a str, pub text: &'a str, pub sender: &'a str, pub lang: Lang, pub known_agency: bool, pub index_desk: Option<DeskId> }
#[derive(Debug, Clone, PartialEq, Serialize)] pub struct Route { pub desk: DeskId, pub queue: QueueId, pub audience: Audience, pub category: Option<String>, pub priority: Priority, pub hint: Option<RouteHint>, pub why: String }
impl Route { pub fn staff_only(&self) -> bool {false} }
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum RouteHint { WrongSubject { right_subject: String } }
pub struct Router(String);
impl Router { pub fn compile(_g: &str, _d: &[DeskRules<'_>]) -> Result<Router, Vec<RouteProblem>> {Ok(Router(String::new()))}  pub fn route(&self, f: &RouteFacts<'_>) -> Route { let desk=f.channel_desk.clone().or(f.index_desk.clone()).unwrap_or(DeskId::from("keieiryoku")); Route{queue:QueueId(format!("{desk}-general")),desk,audience:Audience::Applicant,category:None,priority:Priority::Normal,hint:None,why:String::new()} } }
pub struct DeskRules<'a> { pub id: &'a str, pub default_queue: &'a str, pub queues: Vec<String>, pub routes: &'a str, pub lookup: Option<&'a str> }
pub struct RouteProblem { pub file: String, pub line: usize, pub message: String }
