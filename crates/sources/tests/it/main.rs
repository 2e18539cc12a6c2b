//! Sources on real servers.
