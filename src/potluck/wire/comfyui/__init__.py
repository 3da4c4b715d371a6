"""ComfyUI's dialect (API-CONTRACTS.md 7): graphs from templates, workflows of the owner's, messages, lists."""
