//! What people see: pages that say what the events say, and nothing that a gem's author could make them say.
mod fixture;
mod hostile;
mod pages;
mod record;
