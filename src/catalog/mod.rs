//! (essay to be written by the room's builder)
pub mod descriptor;
