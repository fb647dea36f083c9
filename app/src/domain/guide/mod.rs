//! What a person does on the other side.
