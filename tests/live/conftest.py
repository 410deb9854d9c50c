from tests.live.demo_slice import demo_servers  # noqa: F401
