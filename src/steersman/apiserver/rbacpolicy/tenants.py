"""What is given to users of a namespace: to see, to edit, to administer. Each is the sum of the roles that are part of it."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import READ, READ_WRITE, WRITE, Area, may, role

AREA = Area(
    (
        role(
            "admin",
            collects="admin",
        ),
        role(
            "edit",
            part_of="admin",
            collects="edit",
        ),
        role(
            "view",
            part_of="edit",
            collects="view",
        ),
        role(
            "system:aggregate-to-admin",
            may("create", "localsubjectaccessreviews", "authorization.k8s.io"),
            may(READ_WRITE, "rolebindings roles", "rbac.authorization.k8s.io"),
            part_of="admin",
        ),
        role(
            "system:aggregate-to-edit",
            may(READ, "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
            may("impersonate", "serviceaccounts"),
            may(WRITE, "pods pods/attach pods/exec pods/portforward pods/proxy"),
            may("create", "pods/eviction"),
            may(
                WRITE,
                "configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
                "serviceaccounts services services/proxy",
            ),
            may("create", "serviceaccounts/token"),
            may(WRITE, "events", "core events.k8s.io"),
            may(
                WRITE,
                "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale "
                "statefulsets statefulsets/scale",
                "apps",
            ),
            may(WRITE, "horizontalpodautoscalers", "autoscaling"),
            may(WRITE, "cronjobs jobs", "batch"),
            may(
                WRITE,
                "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets "
                "replicasets/scale replicationcontrollers/scale",
                "extensions",
            ),
            may(WRITE, "poddisruptionbudgets", "policy"),
            may(WRITE, "ingresses networkpolicies", "networking.k8s.io"),
            may(READ_WRITE, "leases", "coordination.k8s.io"),
            may(WRITE, "resourceclaims resourceclaimtemplates", "resource.k8s.io"),
            part_of="edit",
        ),
        role(
            "system:aggregate-to-view",
            may(
                READ,
                "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
                "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
            ),
            may(
                READ,
                "bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
                "resourcequotas resourcequotas/status",
            ),
            may(READ, "namespaces"),
            may(READ, "events", "core events.k8s.io"),
            may(READ, "endpointslices", "discovery.k8s.io"),
            may(
                READ,
                "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status "
                "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
                "apps",
            ),
            may(READ, "horizontalpodautoscalers horizontalpodautoscalers/status", "autoscaling"),
            may(READ, "cronjobs cronjobs/status jobs jobs/status", "batch"),
            may(
                READ,
                "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses "
                "ingresses/status networkpolicies replicasets replicasets/scale replicasets/status "
                "replicationcontrollers/scale",
                "extensions",
            ),
            may(READ, "poddisruptionbudgets poddisruptionbudgets/status", "policy"),
            may(READ, "ingresses ingresses/status networkpolicies", "networking.k8s.io"),
            may(READ, "resourceclaims resourceclaims/status resourceclaimtemplates", "resource.k8s.io"),
            part_of="view",
        ),
    ),
)
