"""Who is where: the shared record, each worker's copy of it, and what keeps them right."""
