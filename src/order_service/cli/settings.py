"""The configuration as the commands need it."""

from order_service.config import Config, load_config


def configured(*parts: str) -> Config:
    """Return the configuration, logging set up; the addresses of `parts` must be named."""
    from order_service.infra.logging import configure_logging, get_logger  # noqa: PLC0415

    config = load_config()
    config.require(*parts)
    configure_logging(config.log.level, config.log.format)
    for warning in config.warnings:
        get_logger(__name__).warning(warning)
    return config
