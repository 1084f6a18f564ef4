//! Tests of the room's text forms.
