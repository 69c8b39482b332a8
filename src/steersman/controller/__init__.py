"""The framework that every controller shares: declaration, manager and workers, ownership, pods. No controller lives here."""
