"""What holds against those who mean harm, tried on a running service from outside (docs/security/threat-model.md)."""
