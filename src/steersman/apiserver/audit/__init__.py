"""What has been asked of the server, by whom, and how it was answered: an event per stage of a request, as a policy wants them."""
