"""Problems that need a memory, with the score that none gives."""
