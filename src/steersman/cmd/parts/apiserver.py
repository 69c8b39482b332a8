"""The API server's process: store, App and HTTPS listeners put together."""

import asyncio
import sys
from pathlib import Path

from steersman.api.clock import RealClock
from steersman.api.configuration import ConfigurationError
from steersman.apiserver.admission import given
from steersman.apiserver.admission.selection import Plugins
from steersman.apiserver.bootstrap import publish_trust
from steersman.apiserver.config import KubeletAccess, ProxyClient, ServerConfig
from steersman.apiserver.frontproxy import Judge
from steersman.apiserver.openapi.service import OpenAPIService
from steersman.apiserver.requestinfo import is_proxied
from steersman.apiserver.runtimeconfig import RuntimeConfig, RuntimeConfigError
from steersman.apiserver.server import App
from steersman.cmd.config import ApiServerConfig
from steersman.cmd.configfile import ConfigError
from steersman.cmd.parts.audit import audit_of
from steersman.cmd.parts.authentication import authentication_of, front_proxy_of, service_accounts_of
from steersman.cmd.parts.authentication import started as started_accounts
from steersman.cmd.parts.authorization import authorization_of
from steersman.cmd.parts.encryption import encryption_of
from steersman.cmd.parts.memory import keep_trimmed, resident
from steersman.cmd.parts.process import Started, main
from steersman.cmd.parts.serving import server_tls
from steersman.http.limits import MAX_HELD
from steersman.http.server import HTTPServer
from steersman.kinds import catalog
from steersman.store import open as open_store
from steersman.store.compaction import Policy, keep_compacted


def server_config(config: ApiServerConfig) -> ServerConfig:
    """The App's share of the settings."""
    kubelet = None
    if config.kubelet_client_cert_file:
        kubelet = KubeletAccess(
            Path(config.kubelet_client_cert_file),
            Path(config.kubelet_client_key_file),
            Path(config.kubelet_ca_file or config.client_ca_file),
        )
    proxy_client = None
    if config.proxy_client_cert_file:
        proxy_client = ProxyClient(Path(config.proxy_client_cert_file), Path(config.proxy_client_key_file))
    return ServerConfig(
        service_cidr=config.service_cluster_ip_range,
        node_ports=node_ports(config.service_node_port_range),
        advertise_address=config.advertise_address,
        advertise_port=config.port,
        max_requests=max(config.max_requests_inflight + config.max_mutating_requests_inflight, 1),
        event_ttl=config.event_ttl,
        runtime=runtime_config(config.runtime_config),
        kubelet=kubelet,
        admission=admission_plugins(config),
        authorization=authorization_of(config),
        authentication=authentication_of(config),
        client_ca=Path(config.client_ca_file),
        front_proxy=front_proxy_of(config),
        proxy_client=proxy_client,
    )


def admission_plugins(config: ApiServerConfig) -> Plugins:
    """Which admission plugins there are, and their configuration. Raises ConfigurationError."""
    file = config.admission_control_config_file
    found = given.load(Path(file)) if file else {}
    seconds = {
        "notReady": config.default_not_ready_toleration_seconds,
        "unreachable": config.default_unreachable_toleration_seconds,
    }
    tolerations = "DefaultTolerationSeconds"
    if tolerations in found:
        raise ConfigurationError(f'{found[tolerations].where}: plugin "{tolerations}" takes no configuration')
    found[tolerations] = given.Given(seconds, "default…TolerationSeconds", Path())
    return Plugins(config.enable_admission_plugins, config.disable_admission_plugins, found)


def runtime_config(settings: dict[str, str]) -> RuntimeConfig:
    """Which API versions are served. Raises ConfigError."""
    try:
        return RuntimeConfig.of(settings)
    except RuntimeConfigError as error:
        raise ConfigError(f"runtimeConfig: {error}") from error


def node_ports(text: str) -> tuple[int, int]:
    """The ends of a range such as 30000-32767. Raises ConfigError."""
    low, _, high = text.partition("-")
    if not (low.isdigit() and high.isdigit() and 0 < int(low) <= int(high) < 65536):
        raise ConfigError(f"serviceNodePortRange: must be a range such as 30000-32767, not {text!r}")
    return int(low), int(high)


async def run(config: ApiServerConfig, started: Started) -> None:
    """Serve until cancelled. The listeners open once everything stored is loaded, so whoever connects is answered."""
    clock = RealClock()
    accounts = await started_accounts(service_accounts_of(config, clock))
    authorities = config.client_ca_file, config.requestheader_client_ca_file
    tls = server_tls(config, *authorities)
    audit = audit_of(config, clock)
    encryption = encryption_of(config, clock)
    await encryption.prime()
    store = open_store(config.store, clock, encryption.tables)
    try:
        settings, kinds = server_config(config), catalog.load()
        openapi = OpenAPIService(kinds, settings.git_version, serves=settings.runtime.serves)
        app = App(
            store, clock, settings, catalog=kinds, service_accounts=accounts, openapi=openapi, audit=audit,
            encryption=encryption,
        )  # fmt: skip
        trusted = settings.front_proxy
        judge = None if trusted is None else Judge(settings.client_ca, trusted.ca)
        server = HTTPServer(app.handle, judge=judge, streamed=is_proxied, room=lambda: max(MAX_HELD, resident() // 16))

        server.certified = app.metrics.certificates.of().observe
        app.metrics.failed_handshakes = lambda: server.failed_handshakes

        others = asyncio.Event()

        def verify_anew() -> None:
            if trusted is not None:
                server.judge = Judge(settings.client_ca, trusted.ca)
            server.verify_anew()
            others.set()

        tls.changed = verify_anew
        await app.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(app.run())
                tasks.create_task(keep_compacted(store, clock, Policy()))
                tasks.create_task(keep_trimmed(clock))
                tasks.create_task(_keep_published(app, others))
                await server.start(config.bind_addresses, config.port, tls)
                started()
        finally:
            await app.close()
            await server.close()
    finally:
        await store.close()
        encryption.close()
        if accounts.external is not None:
            await accounts.external.close()
        if audit is not None:
            # After the last answer.
            await audit.close()


async def _keep_published(app: App, changed: asyncio.Event) -> None:
    """Tell of authorities that are others than at the start."""
    while True:
        await changed.wait()
        changed.clear()
        await publish_trust(app)


if __name__ == "__main__":
    sys.exit(main(run, ApiServerConfig))
