//! Pure reading and writing of Internet messages: decode, compose, reply text, machine marks
