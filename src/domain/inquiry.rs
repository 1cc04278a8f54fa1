//! An inquiry: a decoded message together with what the desk knows about where it came in.
