//! The channel against a server: the real requests, over real connections.

mod receiving;
mod sending;
mod understanding;
mod webhook;
mod world;
