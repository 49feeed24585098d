"""What the pages stand on: formats, badges, context, middleware, the story page."""
