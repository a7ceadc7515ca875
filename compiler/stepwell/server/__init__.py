"""The server: projects, workflows, deploys and runs over HTTP, in a database that several servers may share."""
