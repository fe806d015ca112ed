"""Speed ratios, one command each; their JSON under results/ is what the documents quote."""
