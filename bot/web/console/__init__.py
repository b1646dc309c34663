"""The console: pages for people. They read and answer without JavaScript; with it, pages follow what happens."""
