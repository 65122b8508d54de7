//! Where a release came from: the transparency record.
