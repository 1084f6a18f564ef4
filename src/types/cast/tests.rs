//! Tests of the room's cast forms.
