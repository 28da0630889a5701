"""The oracle: who behaves unlike everybody else, and how well the platform is."""
