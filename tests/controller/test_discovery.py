"""The controllers that there are."""

from steersman import controllers
from steersman.controller.discovery import discover


def test_every_controller_is_found():
    assert [c.name for c in discover(controllers)] == [
        "cronjob",
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
        "namespace",
        "nodeipam",
        "nodelifecycle",
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
        "ttlafterfinished",
        "vac-protection",
        "validatingadmissionpolicystatus",
    ]
