"""The controllers that there are."""

from steersman import controllers
from steersman.controller.discovery import discover


def test_every_controller_is_found():
    assert [c.name for c in discover(controllers)] == [
        "bootstrapsigner",
        "clusterrole-aggregation",
        "cronjob",
        "csrapproving",
        "csrcleaner",
        "csrsigning",
        "daemonset",
        "deployment",
        "disruption",
        "endpoints",
        "endpointslice",
        "endpointslicemirroring",
        "garbagecollector",
        "job",
        "kube-apiserver-serving-clustertrustbundle-publisher",
        "kubeletservingapproving",
        "legacy-service-account-token-cleaner",
        "namespace",
        "nodeipam",
        "nodelifecycle",
        "podcertificaterequestcleaner",
        "podgc",
        "pv-protection",
        "pvc-protection",
        "replicaset",
        "replicationcontroller",
        "resourcequota",
        "root-ca-cert-publisher",
        "service-cidr",
        "service-ipaddress",
        "serviceaccount",
        "serviceaccount-token",
        "statefulset",
        "storageversionmigrator",
        "tainteviction",
        "tokencleaner",
        "ttlafterfinished",
        "vac-protection",
        "validatingadmissionpolicystatus",
    ]
