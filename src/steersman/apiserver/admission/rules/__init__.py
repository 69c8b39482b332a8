"""What the server itself does to objects on their way in and holds against them: always on, and no plugin to be named."""
