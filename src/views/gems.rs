//! Gems and their releases, for people.
