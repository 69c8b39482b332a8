"""One frozen Config per component, each setting declared once: files, flags and help are read from the fields.

In files a field is spelled as Kubernetes spells its configuration (`bindAddresses`), on the command line
`--bind-addresses`. Durations are seconds; a name that ends in `_file` or `_dir` is a path.
"""

from dataclasses import dataclass, field
from typing import Any

LOG_LEVELS = ("debug", "info", "warning", "error")
AUDIT_MODES = ("batch", "blocking", "blocking-strict")


def setting(help_text: str, default: Any = None, **more: Any) -> Any:
    """A field with its help text. `choices` limits the values, `minimum` a number; `required` has no default."""
    metadata = {"help": help_text, **more}
    if more.get("required"):
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def log_level() -> Any:
    return setting("least severe message that is logged", "info", choices=LOG_LEVELS)


def tls_min_version() -> Any:
    return setting("oldest version of TLS that is offered: VersionTLS12 or VersionTLS13", "VersionTLS12")


def tls_cipher_suites() -> Any:
    return setting("suites that are offered with TLS 1.2, by Go's names; none is all that are good", ())


@dataclass(frozen=True, kw_only=True)
class ApiServerConfig:
    """The API server: the only part that touches the store."""

    store: str = setting("where objects are kept: sqlite:///FILE or memory://", "memory://")
    bind_addresses: tuple[str, ...] = setting("addresses to listen on", ("127.0.0.1",))
    port: int = setting("TCP port to listen on", 6443, minimum=0)
    advertise_address: str = setting("address of the `kubernetes` endpoint", "127.0.0.1")
    tls_cert_file: str = setting("serving certificate", required=True)
    tls_key_file: str = setting("key of the serving certificate", required=True)
    tls_min_version: str = tls_min_version()
    tls_cipher_suites: tuple[str, ...] = tls_cipher_suites()
    client_ca_file: str = setting("authority of client certificates", required=True)
    requestheader_client_ca_file: str = setting("authority of the front proxy's client certificate", "")
    requestheader_allowed_names: tuple[str, ...] = setting(
        "names a front proxy's certificate may bear; none is any", ()
    )
    requestheader_username_headers: tuple[str, ...] = setting(
        "headers in which front proxies name the user", ("X-Remote-User",)
    )
    requestheader_uid_headers: tuple[str, ...] = setting("headers in which they give the user's uid", ("X-Remote-Uid",))
    requestheader_group_headers: tuple[str, ...] = setting(
        "headers in which they list the user's groups", ("X-Remote-Group",)
    )
    requestheader_extra_headers_prefix: tuple[str, ...] = setting(
        "beginnings of headers in which they tell more of the user", ("X-Remote-Extra-",)
    )
    proxy_client_cert_file: str = setting("certificate shown to aggregated API servers", "")
    proxy_client_key_file: str = setting("key of that certificate", "")
    kubelet_client_cert_file: str = setting("certificate shown to kubelets", "")
    kubelet_client_key_file: str = setting("key of that certificate", "")
    kubelet_ca_file: str = setting("authority of the kubelets' serving certificates", "")
    service_account_key_file: tuple[str, ...] = setting(
        "RSA or ECDSA keys, private or public, or certificates: tokens of service accounts signed by one of them are good",
        (),
    )
    service_account_signing_key_file: str = setting(
        "key that signs service account tokens; empty is the first private one of the above", ""
    )
    service_account_signing_endpoint: str = setting(
        "socket of a signer of service account tokens, instead of keys: a path, or @ and a name", ""
    )
    service_account_issuer: tuple[str, ...] = setting(
        "issuers of service account tokens: the first is in new ones, all are good",
        ("https://kubernetes.default.svc.cluster.local",),
    )
    service_account_jwks_uri: str = setting("where verifiers find the keys, if not here", "")
    service_account_max_token_expiration: float = setting(
        "longest life of a service account token in seconds; 0 is any", 0.0, minimum=0
    )
    service_account_extend_token_expiration: bool = setting(
        "pods' tokens are good for a year, for clients that read theirs only once", True
    )
    api_audiences: tuple[str, ...] = setting("audiences the API server answers to; none is its issuers", ())
    anonymous_auth: bool = setting("requests without credentials are taken for system:anonymous's", True)
    token_auth_file: str = setting('static tokens: lines of TOKEN,USER,UID[,"GROUP,GROUP"]', "")
    enable_bootstrap_token_auth: bool = setting("Secrets of kube-system may hold tokens of new nodes", True)
    authentication_config: str = setting(
        "AuthenticationConfiguration: issuers of JSON Web Tokens, and who is anonymous", ""
    )
    oidc_issuer_url: str = setting("issuer of JSON Web Tokens of users, where that file is not", "")
    oidc_client_id: str = setting("audience of its tokens", "")
    oidc_ca_file: str = setting("authority of the issuer's serving certificate; empty is the system's", "")
    oidc_username_claim: str = setting("claim that names the user", "sub")
    oidc_username_prefix: str = setting("what goes before that; empty is the issuer and #, - is nothing", "")
    oidc_groups_claim: str = setting("claim that lists the user's groups", "")
    oidc_groups_prefix: str = setting("what goes before each", "")
    oidc_required_claim: dict[str, str] = field(
        default_factory=dict, metadata={"help": "claims a token must make: CLAIM=VALUE,…"}
    )
    oidc_signing_algs: tuple[str, ...] = setting("algorithms its tokens may be signed with", ("RS256",))
    authentication_token_webhook_config_file: str = setting("kubeconfig of a server that knows tokens", "")
    authentication_token_webhook_version: str = setting("version of TokenReview it speaks", "v1beta1")
    authentication_token_webhook_cache_ttl: float = setting("seconds its answers are remembered", 120.0, minimum=0)
    service_cluster_ip_range: str = setting("range of Service addresses", "10.96.0.0/16")
    service_node_port_range: str = setting("range of NodePorts", "30000-32767")
    runtime_config: dict[str, str] = field(
        default_factory=dict,
        metadata={"help": "API versions switched on and off: GROUP/VERSION[/RESOURCE]=true|false, api/legacy=false, …"},
    )
    authorization_mode: tuple[str, ...] = setting(
        "authorizers in the order in which they are asked: Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny",
        ("Node", "RBAC"),
    )
    authorization_config: str = setting("authorizers and their webhooks: AuthorizationConfiguration", "")
    authorization_policy_file: str = setting("policies of authorization mode ABAC, one in a line", "")
    authorization_webhook_config_file: str = setting("who is asked in authorization mode Webhook: a kubeconfig", "")
    authorization_webhook_version: str = setting(
        "API version of SubjectAccessReview that the webhook speaks", "v1beta1", choices=("v1", "v1beta1")
    )
    authorization_webhook_cache_authorized_ttl: float = setting(
        "seconds that what the webhook allows is remembered", 300.0, minimum=0
    )
    authorization_webhook_cache_unauthorized_ttl: float = setting(
        "seconds that what it does not allow is remembered", 30.0, minimum=0
    )
    enable_admission_plugins: tuple[str, ...] = setting(
        "admission plugins to have besides those that are on by default", ()
    )
    disable_admission_plugins: tuple[str, ...] = setting("admission plugins to do without", ())
    default_not_ready_toleration_seconds: int = setting(
        "how long pods stay on a node that is not ready, if they do not say themselves", 300
    )
    default_unreachable_toleration_seconds: int = setting("the same of a node that cannot be reached", 300)
    admission_control_config_file: str = setting(
        "what admission plugins are configured with: AdmissionConfiguration", ""
    )
    audit_policy_file: str = setting("which requests are noted, and how much of them: audit.k8s.io/v1 Policy", "")
    audit_log_path: str = setting("file that audit events are appended to; - is standard output", "")
    audit_log_format: str = setting("how events are written", "json", choices=("json", "legacy"))
    audit_log_version: str = setting("API version of written events", "audit.k8s.io/v1", choices=("audit.k8s.io/v1",))
    audit_log_maxsize: int = setting("megabytes of the audit log before it is rotated; 0 is 100", 0, minimum=0)
    audit_log_maxage: int = setting("days that rotated audit logs are kept; 0 is for ever", 0, minimum=0)
    audit_log_maxbackup: int = setting("rotated audit logs that are kept; 0 is all", 0, minimum=0)
    audit_log_compress: bool = setting("rotated audit logs are compressed", False)
    audit_log_mode: str = setting(
        "whether requests wait until their event is written, and fail when it cannot be",
        "blocking",
        choices=AUDIT_MODES,
    )
    audit_log_batch_buffer_size: int = setting("events that wait to be written in mode batch", 10_000, minimum=1)
    audit_log_batch_max_size: int = setting("events that are written together in mode batch", 1, minimum=1)
    audit_log_batch_max_wait: float = setting("seconds until fewer are written", 0.0, minimum=0)
    audit_log_truncate_enabled: bool = setting("large audit events lose their objects", False)
    audit_log_truncate_max_event_size: int = setting(
        "bytes of an audit event that is not too large", 102_400, minimum=1
    )
    audit_log_truncate_max_batch_size: int = setting("bytes of a batch of audit events", 10_485_760, minimum=1)
    audit_webhook_config_file: str = setting("where audit events are posted to: a kubeconfig", "")
    audit_webhook_version: str = setting(
        "API version of posted events", "audit.k8s.io/v1", choices=("audit.k8s.io/v1",)
    )
    audit_webhook_initial_backoff: float = setting("seconds before a failed post is repeated", 10.0, minimum=0)
    audit_webhook_mode: str = setting(
        "whether requests wait until their event is posted, and fail when it cannot be", "batch", choices=AUDIT_MODES
    )
    audit_webhook_batch_buffer_size: int = setting("events that wait to be posted; more are dropped", 10_000, minimum=1)
    audit_webhook_batch_max_size: int = setting("events in one post", 400, minimum=1)
    audit_webhook_batch_max_wait: float = setting("seconds until fewer are posted", 30.0, minimum=0)
    audit_webhook_batch_throttle_enable: bool = setting("posts a second are bounded", True)
    audit_webhook_batch_throttle_qps: float = setting("posts a second", 10.0, minimum=0.001, metavar="N")
    audit_webhook_batch_throttle_burst: int = setting("posts at once after a pause", 15, minimum=1)
    audit_webhook_truncate_enabled: bool = setting(
        "large audit events lose their objects before they are posted", False
    )
    audit_webhook_truncate_max_event_size: int = setting("bytes of an event that is posted whole", 102_400, minimum=1)
    audit_webhook_truncate_max_batch_size: int = setting("bytes of a post", 10_485_760, minimum=1)
    encryption_provider_config: str = setting("EncryptionConfiguration: how resources are encrypted in the store", "")
    encryption_provider_config_automatic_reload: bool = setting("take changes of that file over while running", False)
    event_ttl: float = setting("seconds an Event is kept; 0 is for ever", 3600.0, minimum=0)
    max_requests_inflight: int = setting(
        "requests that read at a time; priority levels divide these and the next", 400, minimum=0
    )
    max_mutating_requests_inflight: int = setting("requests that write at a time", 200, minimum=0)
    log_level: str = log_level()


@dataclass(frozen=True, kw_only=True)
class ControllerManagerConfig:
    """The controllers: every reconciler in one process."""

    kubeconfig: str = setting("how to reach the API server", required=True)
    root_ca_file: str = setting("authority published to every namespace", required=True)
    service_account_private_key_file: str = setting(
        "RSA or ECDSA key that signs the tokens kept in Secrets; none makes no such tokens", ""
    )
    cluster_signing_cert_file: str = setting("authority that signs certificate requests; none signs none", "")
    cluster_signing_key_file: str = setting("key of that authority", "")
    kubelet_serving_hosts: dict[str, str] = field(
        default_factory=dict,
        metadata={
            "help": "serving certificates that nodes get without being asked: NODE=HOST+HOST, names and addresses"
        },
    )
    legacy_service_account_token_clean_up_period: float = setting(
        "seconds after which such Secrets go that nobody has used", 365 * 24 * 3600.0, minimum=1
    )
    legacy_service_account_tokens: bool = setting(
        "make every service account a Secret with a token that never expires, as Kubernetes before 1.24", False
    )
    cluster_cidr: str = setting("range that nodes' pod ranges are cut from", "10.244.0.0/16")
    service_cluster_ip_range: str = setting("range of Service addresses", "10.96.0.0/16")
    node_cidr_mask_size: int = setting("prefix length of one node's pod range", 24, minimum=8)
    controllers: tuple[str, ...] = setting("controllers to run; * is all, -name leaves one out", ("*",))
    node_monitor_grace_period: float = setting(
        "seconds without a sign of life until a node is not ready", 40.0, minimum=0
    )
    leader_elect: bool = setting("take a Lease before working, where several run", False)
    log_level: str = log_level()


@dataclass(frozen=True, kw_only=True)
class SchedulerConfig:
    """The scheduler."""

    kubeconfig: str = setting("how to reach the API server", required=True)
    scheduler_name: str = setting("pods that ask for this scheduler are placed", "default-scheduler")
    leader_elect: bool = setting("take a Lease before working, where several run", False)
    log_level: str = log_level()


@dataclass(frozen=True, kw_only=True)
class KubeletConfig:
    """The node agent, or with `simulate` a crowd of nodes whose containers are imagined."""

    kubeconfig: str = setting("how to reach the API server", required=True)
    bootstrap_kubeconfig: str = setting(
        "how to reach it before the node has a certificate; with this the kubelet asks for its own by itself", ""
    )
    cert_dir: str = setting("where the kubelet keeps the certificates it has asked for; empty is pki in root-dir", "")
    server_tls_bootstrap: bool = setting("ask for the serving certificate as well", False)
    node_name: str = setting("name of the Node object", "")
    node_ip: str = setting("address of the node", "127.0.0.1")
    node_labels: dict[str, str] = field(default_factory=dict, metadata={"help": "labels the node registers with"})
    pod_cidr: str = setting("range of this node's pods", "")
    root_dir: str = setting("pods' volumes and the kubelet's own files", "/var/lib/kubelet")
    pod_logs_dir: str = setting("containers' logs", "/var/log/pods")
    container_runtime_endpoint: str = setting("socket of the container runtime", "/run/containerd/containerd.sock")
    bind_address: str = setting("address the kubelet serves on", "0.0.0.0")
    port: int = setting("TCP port the kubelet serves on", 10250, minimum=0)
    tls_cert_file: str = setting("serving certificate", "")
    tls_key_file: str = setting("key of the serving certificate", "")
    tls_min_version: str = tls_min_version()
    tls_cipher_suites: tuple[str, ...] = tls_cipher_suites()
    client_ca_file: str = setting("authority of clients that may use the kubelet's API", "")
    cluster_dns: str = setting("address of the cluster's DNS", "10.96.0.10")
    cluster_domain: str = setting("domain of the cluster", "cluster.local")
    resolv_conf_file: str = setting("resolver configuration pods inherit", "/etc/resolv.conf")
    cgroup_root: str = setting("cgroup above the pods'", "/kubepods")
    max_pods: int = setting("pods this node takes", 110, minimum=1)
    allowed_unsafe_sysctls: tuple[str, ...] = setting(
        "kernel parameters of their own that pods may set besides the safe ones: names, and beginnings such as kernel.msg*",
        (),
    )
    enable_debugging_handlers: bool = setting("serve logs of containers, and run commands in them", True)
    enable_system_log_handler: bool = setting("serve the files below /var/log", True)
    enable_system_log_query: bool = setting("answer questions about services' logs there", False)
    cpus: float = setting("CPUs to offer; 0 counts the machine's", 0.0, minimum=0)
    memory_bytes: int = setting("memory to offer; 0 asks the machine", 0, minimum=0)
    node_status_update_frequency: float = setting("seconds between looks at the node's status", 10.0, minimum=0.1)
    lease_duration: float = setting("seconds a node's Lease lasts", 40.0, minimum=1)
    simulate: int = setting("number of simulated nodes to host instead of a real one", 0, minimum=0)
    simulated_name_prefix: str = setting("simulated nodes are named PREFIX-N", "sim")
    log_level: str = log_level()


@dataclass(frozen=True, kw_only=True)
class ProxyConfig:
    """The service proxy: Services to nftables rules of the network namespace it runs in."""

    kubeconfig: str = setting("how to reach the API server", required=True)
    node_name: str = setting("node it works for; empty on a host that is no node", "")
    cluster_cidr: str = setting("range of all pods", "10.244.0.0/16")
    node_cidr: str = setting("range of the nodes; on a host that is no node, to masquerade what they ask of it", "")
    pod_cidr: str = setting("range of this node's pods; other sources of Service traffic are masqueraded", "")
    service_cluster_ip_range: str = setting("range of Service addresses", "10.96.0.0/16")
    table: str = setting("name of the nftables table", "steersman")
    node_addresses: tuple[str, ...] = setting("addresses NodePorts answer on; none means all local ones", ())
    log_level: str = log_level()


@dataclass(frozen=True, kw_only=True)
class DNSConfig:
    """The cluster's DNS server."""

    kubeconfig: str = setting("how to reach the API server", required=True)
    bind_addresses: tuple[str, ...] = setting("addresses to listen on", ("127.0.0.1",))
    port: int = setting("UDP and TCP port to listen on", 53, minimum=0)
    cluster_domain: str = setting("domain of the cluster", "cluster.local")
    cluster_dns: str = setting("Service address under which pods ask; empty makes no Service", "")
    cluster_ranges: tuple[str, ...] = setting("ranges whose reverse names are the cluster's", ())
    resolv_conf_file: str = setting("where the upstream resolvers are read from", "/etc/resolv.conf")
    log_level: str = log_level()


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """One node of this machine: its place in the cluster and the configuration of the programs in it."""

    cluster: str = setting("name of the cluster", required=True)
    slot: int = setting("number that keeps the ranges of this machine's clusters apart", 0, minimum=0)
    number: int = setting("number of the node in its cluster, from 0", 0, minimum=0)
    nodes: int = setting("how many nodes this machine has in the cluster", 1, minimum=1)
    name: str = setting("name of the node", required=True)
    root_dir: str = setting("everything the node keeps", required=True)
    kubelet_config_file: str = setting("the kubelet's configuration", required=True)
    proxy_config_file: str = setting("the proxy's configuration", required=True)
    cpus: float = setting("limit of CPUs for the whole node; 0 is none", 0.0, minimum=0)
    memory_bytes: int = setting("limit of memory for the whole node; 0 is none", 0, minimum=0)


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """A cluster on this machine: what `steer up` was asked for and the numbers it chose, kept in its directory.

    Addresses follow from `slot` (network.addresses).
    """

    name: str = setting("name of the cluster", "default")
    nodes: int = setting("real nodes", 1, minimum=0)
    simulate: int = setting("simulated nodes", 0, minimum=0)
    runtime_config: dict[str, str] = field(
        default_factory=dict, metadata={"help": "API versions switched on and off, as the API server takes it"}
    )
    legacy_service_account_tokens: bool = setting("every service account has a Secret with a token", False)
    apiserver_args: dict[str, str] = field(
        default_factory=dict, metadata={"help": "settings of the API server, by the names of its flags without dashes"}
    )
    kubelet_args: dict[str, str] = field(
        default_factory=dict, metadata={"help": "settings of the real nodes' kubelets, in the same way"}
    )
    secrets_encryption: str = setting(
        "Secrets are encrypted in the store with a key that steer makes; off once they were",
        "",
        choices=("", "on", "off"),
    )
    encryption_provider_config: str = setting("EncryptionConfiguration of the API server", "")
    store: str = setting("where objects are kept", required=True)
    port: int = setting("port of the API server", required=True, minimum=1)
    dns_port: int = setting("port of the DNS server on the host", required=True, minimum=1)
    slot: int = setting("number that keeps the ranges of this machine's clusters apart", 0, minimum=0)
    kubeconfig: str = setting("kubeconfig named by --kubeconfig; empty is kubectl's usual one", "")
