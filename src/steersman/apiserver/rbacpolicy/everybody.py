"""What everybody may do who is known to the cluster, and what anybody may; and administrators, who may do everything."""

from __future__ import annotations

from steersman.apiserver.rbacpolicy.declaration import READ, Area, bound, group, may, role, urls

_AUTHENTICATED, _ANYBODY = group("system:authenticated"), group("system:unauthenticated")
_ACCOUNTS = group("system:serviceaccounts")

AREA = Area(
    (
        role(
            "cluster-admin",
            may("*", "*", "*"),
            urls("*", "*"),
        ),
        role(
            "system:discovery",
            urls("get", "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/"),
        ),
        role(
            "system:basic-user",
            may("create", "selfsubjectaccessreviews selfsubjectrulesreviews", "authorization.k8s.io"),
            may("create", "selfsubjectreviews", "authentication.k8s.io"),
        ),
        role(
            "system:public-info-viewer",
            urls("get", "/healthz /livez /readyz /version /version/"),
        ),
        role(
            "system:monitoring",
            urls("get", "/flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz"),
            may("get", "nodes/metrics"),
        ),
        role(
            "system:service-account-issuer-discovery",
            urls(
                "get",
                "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
            ),
        ),
        role(
            "system:cluster-trust-bundle-discovery",
            may(READ, "clustertrustbundles", "certificates.k8s.io"),
        ),
    ),
    (
        bound("cluster-admin", group("system:masters")),
        bound("system:discovery", _AUTHENTICATED),
        bound("system:basic-user", _AUTHENTICATED),
        bound("system:public-info-viewer", _AUTHENTICATED, _ANYBODY),
        bound("system:monitoring", group("system:monitoring")),
        bound("system:service-account-issuer-discovery", _ACCOUNTS),
        bound("system:cluster-trust-bundle-discovery", _ACCOUNTS),
    ),
)
