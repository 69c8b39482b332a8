"""The kubelet's configuration as it shows it itself (`/configz`): KubeletConfiguration, by the names of Kubernetes."""

from typing import Any

from steersman.api.duration import format_go
from steersman.cmd.config import KubeletConfig
from steersman.kubelet.access import ALLOWED_SECONDS, DENIED_SECONDS, KNOWN_SECONDS
from steersman.kubelet.node_agent import REPORT_SECONDS
from steersman.kubelet.pod_worker import RESYNC_SECONDS


def kubelet_configuration(config: KubeletConfig) -> dict[str, Any]:
    """kubelet.config.k8s.io/v1beta1's fields with what holds here; a field that means nothing to this kubelet is left out."""
    return {
        "enableServer": True,
        "podLogsDir": config.pod_logs_dir,
        "syncFrequency": format_go(RESYNC_SECONDS),
        "address": config.bind_address,
        "port": config.port,
        "tlsCertFile": config.tls_cert_file,
        "tlsPrivateKeyFile": config.tls_key_file,
        "tlsMinVersion": config.tls_min_version,
        **({"tlsCipherSuites": list(config.tls_cipher_suites)} if config.tls_cipher_suites else {}),
        "rotateCertificates": bool(config.bootstrap_kubeconfig),
        "serverTLSBootstrap": config.server_tls_bootstrap,
        "authentication": {
            "x509": {"clientCAFile": config.client_ca_file},
            "webhook": {"enabled": True, "cacheTTL": format_go(KNOWN_SECONDS)},
            "anonymous": {"enabled": False},
        },
        "authorization": {
            "mode": "Webhook",
            "webhook": {
                "cacheAuthorizedTTL": format_go(ALLOWED_SECONDS),
                "cacheUnauthorizedTTL": format_go(DENIED_SECONDS),
            },
        },
        "enableDebuggingHandlers": config.enable_debugging_handlers,
        "healthzPort": 0,
        "clusterDomain": config.cluster_domain,
        "clusterDNS": [config.cluster_dns] if config.cluster_dns else [],
        "nodeStatusUpdateFrequency": format_go(config.node_status_update_frequency),
        "nodeStatusReportFrequency": format_go(REPORT_SECONDS),
        "nodeLeaseDurationSeconds": round(config.lease_duration),
        "cgroupRoot": config.cgroup_root,
        "cgroupsPerQOS": True,
        "cgroupDriver": "cgroupfs",
        "cpuManagerPolicy": "none",
        "memoryManagerPolicy": "None",
        "topologyManagerPolicy": "none",
        "maxPods": config.max_pods,
        "podCIDR": config.pod_cidr,
        "resolvConf": config.resolv_conf_file,
        "cpuCFSQuota": True,
        "cpuCFSQuotaPeriod": "100ms",
        "serializeImagePulls": False,
        "enableControllerAttachDetach": False,
        "failSwapOn": False,
        "allowedUnsafeSysctls": list(config.allowed_unsafe_sysctls),
        "enableSystemLogHandler": config.enable_system_log_handler,
        "enableSystemLogQuery": config.enable_system_log_query,
        "enableProfilingHandler": False,
        "enableDebugFlagsHandler": False,
        "seccompDefault": False,
        "registerNode": True,
        "localStorageCapacityIsolation": False,
        "containerRuntimeEndpoint": f"unix://{config.container_runtime_endpoint}",
    }
