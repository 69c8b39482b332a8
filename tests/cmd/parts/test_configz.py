"""The kubelet's configuration by Kubernetes' names."""

from steersman.cmd.config import KubeletConfig
from steersman.cmd.parts.configz import kubelet_configuration

# Fields of kubelet.config.k8s.io/v1beta1 that we speak of.
KNOWN = (
    "enableServer podLogsDir syncFrequency address port tlsCertFile tlsPrivateKeyFile tlsCipherSuites tlsMinVersion"
    " rotateCertificates serverTLSBootstrap authentication authorization enableDebuggingHandlers healthzPort clusterDomain"
    " clusterDNS nodeStatusUpdateFrequency nodeStatusReportFrequency nodeLeaseDurationSeconds cgroupRoot cgroupsPerQOS"
    " cgroupDriver cpuManagerPolicy memoryManagerPolicy topologyManagerPolicy maxPods podCIDR resolvConf cpuCFSQuota"
    " cpuCFSQuotaPeriod serializeImagePulls enableControllerAttachDetach failSwapOn allowedUnsafeSysctls"
    " enableSystemLogHandler enableSystemLogQuery enableProfilingHandler enableDebugFlagsHandler seccompDefault registerNode"
    " localStorageCapacityIsolation containerRuntimeEndpoint"
)


def test_true_values() -> None:
    config = KubeletConfig(
        kubeconfig="k",
        bootstrap_kubeconfig="b",
        max_pods=7,
        allowed_unsafe_sysctls=("kernel.msg*",),
        node_status_update_frequency=15,
        tls_cipher_suites=("TLS_AES_128_GCM_SHA256",),
        enable_system_log_handler=False,
    )
    found = kubelet_configuration(config)
    assert found.keys() == set(KNOWN.split())
    assert (found["maxPods"], found["allowedUnsafeSysctls"]) == (7, ["kernel.msg*"])
    assert found["nodeStatusUpdateFrequency"] == "15s"
    assert found["authorization"]["webhook"] == {"cacheAuthorizedTTL": "5m0s", "cacheUnauthorizedTTL": "30s"}
    assert (found["enableSystemLogHandler"], found["rotateCertificates"]) == (False, True)
    assert found["containerRuntimeEndpoint"] == "unix:///run/containerd/containerd.sock"


def test_what_is_not_set_is_not_there() -> None:
    assert "tlsCipherSuites" not in kubelet_configuration(KubeletConfig(kubeconfig="k"))
