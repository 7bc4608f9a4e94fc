"""Problem files: `loader.load` reads them, `writer.to_yaml` writes them."""
