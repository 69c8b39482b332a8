"""The API server as one object: App takes a Request and gives a Response; no socket is needed.

Filters run in order (meaning, authentication, fairness, authorization), then the request goes to a path's own handler, a verb's, or a
subresource's. Whatever goes wrong is answered with a Status.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from steersman.api.clock import Clock
from steersman.api.errors import (
    BadRequest,
    InternalError,
    ServiceUnavailable,
    StatusError,
    Unauthorized,
)
from steersman.api.http import Request, Response, User
from steersman.api.meta import Resource, parse_time
from steersman.apiserver import (
    authz,
    compression,
    crash,
    impersonation,
    impersonationcounts,
    negotiation,
    params,
    requestinfo,
    respond,
    routing,
    table,
    websockets,
)
from steersman.apiserver.admission import counting as admission_counting
from steersman.apiserver.admission import selection
from steersman.apiserver.admission.framework import Admission, Chain, Environment, Review
from steersman.apiserver.aggregator.service import Aggregator
from steersman.apiserver.allocators import Allocator
from steersman.apiserver.audit.service import Audit
from steersman.apiserver.audit.trail import AUDIT_ID, Trail
from steersman.apiserver.authn import Authentication, Authenticator, ServiceAccountTokens
from steersman.apiserver.authorizers.assembly import Authorizers
from steersman.apiserver.authorizers.node import NodeAuthorizer
from steersman.apiserver.authorizers.nodegraph import PODS
from steersman.apiserver.authorizers.objects import StoredObjects
from steersman.apiserver.backend import Backends
from steersman.apiserver.backlog import Backlog
from steersman.apiserver.bootstrap import bootstrap
from steersman.apiserver.cached import Cached, Describe, describe_metadata
from steersman.apiserver.config import ServerConfig
from steersman.apiserver.context import Context, Endpoint
from steersman.apiserver.crd.service import CustomResources
from steersman.apiserver.deadlines import Deadlines
from steersman.apiserver.discovery import Discovery
from steersman.apiserver.expiry import expire
from steersman.apiserver.flowcontrol.level import EXECUTING, Ticket
from steersman.apiserver.flowcontrol.service import FlowControl
from steersman.apiserver.flowcontrol.turns import Turns
from steersman.apiserver.frames import Frames
from steersman.apiserver.handlers import apply, watch
from steersman.apiserver.health import Health
from steersman.apiserver.joined import Joined
from steersman.apiserver.lastused import LastUsed
from steersman.apiserver.metrics import READS, Key, Metrics
from steersman.apiserver.negotiation import Accepted
from steersman.apiserver.podsecurity.counting import Counters
from steersman.apiserver.policies import gate as policies
from steersman.apiserver.rbac import GROUP as RBAC_GROUP
from steersman.apiserver.rbac import PREFIX as RBAC_PREFIX
from steersman.apiserver.rbac import RBAC
from steersman.apiserver.rbacpolicy.escalation import Guard
from steersman.apiserver.registries import Registries
from steersman.apiserver.registry import Registry, prefix_of
from steersman.apiserver.requestinfo import Query, RequestInfo
from steersman.apiserver.routing import VERBS
from steersman.apiserver.subresources.framework import Subresources
from steersman.apiserver.watchcache import BOOKMARK_SECONDS, WatchCache
from steersman.apiserver.webhook.gate import Gate
from steersman.kinds import catalog as kinds
from steersman.kinds.catalog import Catalog
from steersman.kinds.kind import Kind, Served
from steersman.kinds.types.core_v1 import Secret, ServiceAccount
from steersman.kinds.types.meta_v1 import ObjectMeta
from steersman.kinds.types.networking_v1 import ServiceCIDR
from steersman.pki.tokens import LEEWAY
from steersman.store.errors import CommitFailed, StoreClosed
from steersman.store.protocol import Store
from steersman.store.sealing import SealFailed

if TYPE_CHECKING:
    from steersman.apiserver.authn.assembly import Assembly
    from steersman.apiserver.encryption.service import Encryption
    from steersman.apiserver.openapi.service import Described

log = logging.getLogger(__name__)

# Verbs by which requests are counted that reach no resource.
_COUNTED = frozenset({*VERBS, "post", "put", "head", "options"})
# Paths outside the resources that are counted by themselves.
_OWN_PATHS = frozenset({"/healthz", "/livez", "/readyz"})
_EXPIRY_SECONDS = 60.0
_SERVICES = ("", "services")


class OpenAPI(Protocol):
    """The API's description under /openapi/."""

    async def get(self, path: str, accept: str, if_none_match: str, *, gzip: bool = False) -> Response:
        """Answer a GET of `path`; a 304 when `if_none_match` is still true. Raises NotFound, NotAcceptable."""
        ...

    def customize(self, served: Sequence[Served]) -> None:
        """Describe these custom resources, and no others, besides the server's own."""
        ...

    def aggregate(self, described: Sequence[Described]) -> None:
        """Put these descriptions of other servers, and no others, beside one's own."""
        ...


class App:
    """One API server over one store. `start` before the first request; `run` as long as it serves; `close` at the end."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        config: ServerConfig | None = None,
        *,
        catalog: Catalog | None = None,
        authenticator: Authenticator | None = None,
        service_accounts: ServiceAccountTokens | None = None,
        admission: Sequence[Admission] | None = None,
        openapi: OpenAPI | None = None,
        encryption: Encryption | None = None,
        audit: Audit | None = None,
    ) -> None:
        self.store, self.clock = store, clock
        self.config = config or ServerConfig()
        self.catalog = catalog or kinds.load()
        self.service_accounts = service_accounts
        self.openapi = openapi
        self.encryption = encryption
        """What the store was opened with; whoever has made it closes it."""
        if encryption is not None:
            encryption.bind(self)
        self.audit = audit
        """Whoever has made it closes it, after the last answer."""
        if audit is not None:
            audit.bind(self.catalog)
        self.metrics, self.pod_security, self.admitted = Metrics(), Counters(), admission_counting.Counts()
        self.deadlines = Deadlines(clock)
        self.frames, self.backlog = Frames(), Backlog()
        self.joined, self.packer = Joined(), compression.Packer()
        self.backends = Backends()
        low, high = self.config.node_ports
        self.allocator = Allocator(self.config.service_cidr, range(low, high + 1))
        self.webhooks, self.policies = Gate(self), policies.gate(self)
        self.registries = self._make_registries(
            selection.select(self.config.admission) if admission is None else admission
        )
        self.authenticator = authenticator or self._make_authenticator()
        self.remote_authentication = self._assembled(self.config.authentication)
        self._last_used = LastUsed(self.registries, clock)
        self._bind_authenticator()
        self.rbac = RBAC(self._roles)
        self.node_authorizer = NodeAuthorizer(StoredObjects(self.registries))
        self.authorization = Authorizers(
            self.config.authorization, self.rbac, self.node_authorizer, clock, self.backends
        )
        self.authorizer = self.authorization.authorizer
        self._endpoints = self._make_endpoints()
        self.subresources = Subresources.discover()
        self.health = Health(self)
        self.discovery = Discovery(self)
        self.custom = CustomResources(self)
        self.aggregator = Aggregator(self)
        self.flow_control = FlowControl(self)
        self.fairness = self.flow_control.fairness
        self.beginnings = Turns()
        self._unobserve: list[Callable[[], None]] = []
        self._ready = False

    # Making

    def _make_authenticator(self) -> Authenticator:
        return Authenticator(
            self.clock,
            service_accounts=self.service_accounts,
            front_proxy=self.config.front_proxy,
            settings=self.config.authentication,
        )

    def _bind_authenticator(self) -> None:
        """Tokens count as long as that exists which they are for."""
        get = self.registries.get
        self.authenticator.bind(self._uid, partial(get, Secret), self._last_used.used, partial(get, ServiceAccount))

    def _assembled(self, settings: Authentication) -> Assembly | None:
        """The ways of authentication that may wait, if there are any. Raises ConfigurationError."""
        if settings.file is None and not settings.jwt and settings.webhook is None:
            return None
        from steersman.apiserver.authn.assembly import Assembly

        accounts = self.service_accounts
        own = () if accounts is None else (accounts.issuer, *accounts.issuers)
        return Assembly(self.authenticator, settings, self.clock, self.backends, own)

    def _make_registries(self, admission: Sequence[Admission]) -> Registries:
        found = Registries()
        environment = Environment(
            found,
            self.clock,
            pod_security=self.pod_security,
            counts=self.admitted,
            webhooks=self.webhooks,
            policies=self.policies,
            check_params=partial(policies.check_params, self),
            allowed=lambda attributes: self.authorizer.allowed(attributes),
            resources=self._resources_of,
            backends=self.backends,
        )
        self.chain = Chain(admission, environment)
        for kind in self.catalog.kinds:
            if not kind.stored:
                continue
            cache = WatchCache(
                self.store, prefix_of(kind), _describer(kind), self.clock, resource=kind.resource, backlog=self.backlog
            )
            name = (kind.resource.group, kind.resource.plural)
            reserve = self.allocator.reserve if name == _SERVICES else None
            guard = self._guard if kind.resource.group == RBAC_GROUP else None
            found.add(Registry(kind, self.store, cache, self.chain, self.clock, reserve, guard))
        return found

    async def _guard(self, review: Review, asked: str) -> None:
        """Nobody gives rights that they do not have."""
        await Guard(self.rbac, self.authorizer.allowed).check(review, asked)

    def _make_endpoints(self) -> dict[tuple[str, str, str], Endpoint]:
        endpoints = {}
        for served in self.catalog.served:
            if not self.config.runtime.serves(served):
                continue
            resource = served.resource
            registry = self.registries.find(served.kind.resource.group, served.kind.resource.plural)
            if registry is not None:
                endpoints[(resource.group, resource.version, resource.plural)] = Endpoint.of(
                    served, registry, self.frames
                )
        return endpoints

    def _resources_of(self, api_version: str, kind: str) -> list[Resource]:
        """The resources that serve a kind."""
        found = (endpoint.served.resource for endpoint in self._endpoints.values())
        return [r for r in found if (r.api_version, r.kind) == (api_version, kind)]

    def endpoint(self, group: str, version: str, plural: str) -> Endpoint | None:
        return self._endpoints.get((group, version, plural))

    def exchange(
        self, gone: Mapping[tuple[str, str, str], Endpoint], come: Mapping[tuple[str, str, str], Endpoint]
    ) -> None:
        """Take endpoints away and put others in their place, at once. Those of the server's own kinds stay."""
        for key, endpoint in gone.items():
            if self._endpoints.get(key) is endpoint:
                del self._endpoints[key]
        for key, endpoint in come.items():
            self._endpoints.setdefault(key, endpoint)

    def encoder(self, endpoint: Endpoint, accepted: Accepted, include: str) -> Callable[[str, Cached], bytes]:
        """The watch encoder for a shape: always the same object, so that its watchers share the work."""
        key = (accepted, include)
        encoder = endpoint.encoders.get(key)
        if encoder is None:
            encoder = table.transform(endpoint, accepted, self.clock, include)
            if accepted.kind in ("", table.TABLE):
                # Metadata are the same in every version.
                encoder = endpoint.transform(encoder)
            endpoint.encoders[key] = encoder
        return encoder

    def _roles(self, plural: str) -> Sequence[Cached]:
        """The objects of role-based access control."""
        registry = self.registries.find(RBAC_GROUP, plural)
        return registry.cache.readable() if registry is not None else ()

    def _uid(self, plural: str, namespace: str, name: str) -> str:
        registry = self.registries.find("", plural)
        found = self.registries.get(registry.kind.type, namespace, name) if registry is not None else None
        return "" if found is None or self._is_gone(found.metadata) else str(found.metadata.uid)

    def _is_gone(self, metadata: ObjectMeta) -> bool:
        """Whether an object should have been deleted for longer than clocks may differ."""
        if not metadata.deletionTimestamp:
            return False
        return parse_time(metadata.deletionTimestamp).timestamp() < self.clock.time() - LEEWAY

    # Life

    async def start(self) -> None:
        """Load what is stored, repair what is derived from it, and make what every cluster has. Then requests may come."""
        for registry in self.registries.values():
            await registry.cache.start()
        self._unobserve.append(self.store.observe(RBAC_PREFIX, self.rbac.changed))
        self._unobserve.append(self.store.observe(PODS, self.node_authorizer.graph.changed))
        await self._start_allocator()
        self.rbac.reload()
        if self.config.bootstrap:
            await bootstrap(self)
        await self.flow_control.start()
        await self.custom.start()
        self.aggregator.start()
        self.webhooks.start()
        self.policies.start()
        if self.encryption is not None:
            self.encryption.report()
        self._ready = True

    async def _start_allocator(self) -> None:
        registry = self.registries.find(*_SERVICES)
        if registry is None:
            return
        self._unobserve.append(self.store.observe(registry.prefix, self.allocator.observe))
        self.allocator.load((await self.store.list(registry.prefix)).entries)
        ranges = self.registries.of(ServiceCIDR)
        self._unobserve.append(self.store.observe(ranges.prefix, self.allocator.observe_ranges))
        self.allocator.load_ranges((await self.store.list(ranges.prefix)).entries)

    async def run(self) -> None:
        """The server's own recurring work, until cancelled: bookmarks, expiry, deadlines of watches."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.deadlines.run())
            group.create_task(self._bookmarks())
            group.create_task(self._expire())
            group.create_task(self.custom.run())
            group.create_task(self.authorization.run())
            group.create_task(self.aggregator.run())
            group.create_task(self.flow_control.run())
            group.create_task(self._last_used.run())
            if self.remote_authentication is not None:
                group.create_task(self.remote_authentication.run())
            if self.service_accounts is not None and self.service_accounts.external is not None:
                group.create_task(self.service_accounts.external.run())
            if self.encryption is not None:
                group.create_task(self.encryption.run())
            if self.audit is not None:
                group.create_task(self.audit.run())

    async def _bookmarks(self) -> None:
        while True:
            await self.clock.sleep(BOOKMARK_SECONDS)
            for registry in self.registries.values():
                registry.cache.send_bookmarks()

    async def _expire(self) -> None:
        while True:
            await self.clock.sleep(_EXPIRY_SECONDS)
            await expire(self.registries, self.config.event_ttl, self.clock.now())

    async def close(self) -> None:
        """End every watch and connection. The store is left to whoever opened it."""
        self._ready = False
        self.custom.close()
        self.aggregator.close()
        self.flow_control.close()
        self.webhooks.close()
        self.policies.close()
        for unobserve in self._unobserve:
            unobserve()
        self._unobserve.clear()
        for registry in self.registries.values():
            registry.cache.close()
        await self.backends.close()

    @property
    def ready(self) -> bool:
        return self._ready

    # Requests

    async def handle(self, request: Request) -> Response:
        """Answer one request; never raises but for cancellation."""
        query = Query(request.query)
        info = requestinfo.parse(request.method, request.path, query)
        trail = Trail(self.audit, request, info)
        try:
            response = await self._answer(request, info, query, trail)
        except asyncio.CancelledError:
            trail.abandoned()
            self.metrics.abandoned()
            raise
        noted = trail.answered(response)
        if not isinstance(noted, bool):
            await noted
        return response

    async def _answer(self, request: Request, info: RequestInfo, query: Query, trail: Trail) -> Response:
        started = self.clock.monotonic()
        warnings: list[str] = []
        ticket, leave = None, True
        busy = self.metrics.reading if info.verb in READS else self.metrics.writing
        try:
            try:
                ctx = await self._identify(request, info, query, warnings, trail, started)
                ticket = self.fairness.enter(ctx.user, info, query, started)
                if ticket is not None:
                    busy.enter()
                    if ticket.state is not EXECUTING:
                        await self._wait(ticket, info)
                response = await routing.serve(self, ctx)
                trail.answer(response)
                if response.shrinks and compression.takes_gzip(request.headers):
                    response = await self.packer.shrunk(response)
            except StatusError as error:
                response = respond.error(error, _accepted(request, query), warnings)
            except SealFailed as error:
                response = respond.error(InternalError.occurred(str(error)), _accepted(request, query))
            except (StoreClosed, CommitFailed) as error:
                log.error("%s %r: %s", request.method, request.path, error)
                response = respond.error(
                    ServiceUnavailable(f"the store is unavailable: {error}"), _accepted(request, query)
                )
            except RecursionError:
                response = respond.error(BadRequest("the object is nested too deep"), _accepted(request, query))
            except Exception as error:  # noqa: BLE001  # it is logged, but not in its own words
                # Whatever it is: the client gets a Status, and the log where it was.
                crash.note(request, info, error)
                trail.panic = error
                response = respond.error(InternalError.occurred(type(error).__name__), _accepted(request, query))
            if ticket is None:
                response.headers = {AUDIT_ID: trail.id, **response.headers}
            else:
                response.headers = {AUDIT_ID: trail.id, **response.headers, **ticket.flow.headers}
                if info.verb == "watch":
                    leave = not watch.when_begun(self, response, partial(self.fairness.leave, ticket))
        finally:
            if ticket is not None:
                busy.now -= 1
                if leave:
                    self.fairness.leave(ticket)
        self.metrics.observe(
            self._key(request, info, query, response.status), self.clock.monotonic() - started, response.body
        )
        if info.verb == "watch" and response.status == 200 and websockets.asked(request):
            return await self._watch_by_websocket(request, response, warnings)
        return response

    async def _wait(self, ticket: Ticket, info: RequestInfo) -> None:
        """Until it is a request's turn. Raises TooManyRequests."""
        waiting = self.metrics.read_waiting if info.verb in READS else self.metrics.write_waiting
        since = self.clock.monotonic()
        waiting.enter()
        try:
            await self.fairness.wait(ticket)
        finally:
            waiting.now -= 1
            self.metrics.excuse(self.clock.monotonic() - since)

    def _key(self, request: Request, info: RequestInfo, query: Query, status: int) -> Key:
        """What a request counts as. Whatever anybody may ask for must not make a series each."""
        verb = info.verb
        if info.is_resource and (status < 400 or self._is_there(info)) and (verb in VERBS or not verb):
            if verb == "patch" and request.headers.get("content-type") == apply.MEDIA:
                verb = "apply"
            scope = "resource" if info.name or verb == "create" else "namespace" if info.namespace else "cluster"
            dry = "All" if query and query.get("dryRun") == "All" else ""
            return verb, info.group, info.version, info.resource, info.subresource, scope, dry, status
        known = verb if verb in _COUNTED else "other"
        return known, "", "", "", info.path if info.path in _OWN_PATHS and status < 400 else "", "", "", status

    def _is_there(self, info: RequestInfo) -> bool:
        endpoint = self._endpoints.get((info.group, info.version, info.resource))
        if endpoint is None:
            return not info.subresource and self.catalog.find(info.group, info.version, info.resource) is not None
        return not info.subresource or info.subresource in endpoint.kind.subresources

    async def _watch_by_websocket(self, request: Request, response: Response, warnings: list[str]) -> Response:
        try:
            return await websockets.watch(request, response)
        except StatusError as error:
            return respond.error(error, _accepted(request, Query(request.query)), warnings)

    async def _identify(
        self, request: Request, info: RequestInfo, query: Query, warnings: list[str], trail: Trail, started: float
    ) -> Context:
        """Who asks, or whom the request asks to be taken for. Raises BadRequest, Unauthorized, Forbidden."""
        if query and not trail.lasts:
            params.check_timeout(query)
        authenticator = self.authenticator
        try:
            user = authenticator.authenticate(request, warnings, trail.annotations)
            if not isinstance(user, User):
                user = await user
        except Unauthorized as error:
            authenticator.counts.failed(error, self.clock.monotonic() - started)
            raise
        authenticator.counts.succeeded(user.name, self.clock.monotonic() - started)
        ctx = Context(request, info, query, user, warnings, trail=trail)
        if (noted := trail.authenticated(user)) is not None:
            await noted
        if (asked := impersonation.asked(request.headers)) is not None:
            await self._impersonate(ctx, asked)
        return ctx

    async def _impersonate(self, ctx: Context, asked: impersonation.Asked) -> None:
        """Take who asks for whom the request asks to be taken for. Raises Forbidden."""
        on = authz.attributes_of(ctx.info, ctx.user, ctx.query)
        found = await impersonationcounts.impersonate(self.authorizer, self.clock, ctx.user, asked, on)
        ctx.user = found.user
        if ctx.trail is not None:
            ctx.trail.became(found.user, found.constraint)


def _describer(kind: Kind[Any]) -> Describe:
    from steersman.api import codec

    if not kind.has_selectable:
        return describe_metadata

    # Looked up late: most types are never needed.
    def describe(value: bytes) -> tuple[dict[str, str], dict[str, str]]:
        obj: Any = codec.decode(kind.glimpse or kind.type, value)
        return obj.metadata.labels or {}, kind.selectable(obj)

    return describe


def _accepted(request: Request, query: Query) -> Accepted:
    """How the client reads errors; JSON for people if it takes nothing that there is."""
    headers = request.headers
    found = negotiation.find(headers.get("accept", ""))
    if found is None:
        return Accepted(pretty=True)
    return negotiation.readable(found, query.get("pretty"), headers.get("user-agent", ""))
