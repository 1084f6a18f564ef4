//! Tests of the room's binary forms.
