// Placeholder while the module's first file is written.
