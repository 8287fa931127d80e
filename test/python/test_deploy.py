"""The manifests in deploy/ and in the guides: YAML, and the fields of the Kubernetes API that they use, each with its
type. A field that is not in these schemas is refused, so that a slip of the pen is found here; a new one is added from
the API's reference. Compose, systemd and Quadlet: test_deploy_services.py.
"""
import pathlib
import re
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
# As IANA names a service.
PORT_NAME = {"type": "string", "pattern": "^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$"}
TEXT = {"type": "string"}
NUMBER = {"type": "integer", "minimum": 1, "maximum": 65535}
PROTOCOL = {"enum": ["TCP", "UDP", "SCTP"]}
BOOLEAN = {"type": "boolean"}


def of(required, **optional):
    """An object with these fields and no others."""
    return {"type": "object", "properties": {**required, **optional}, "required": list(required),
            "additionalProperties": False}


def some(items):
    return {"type": "array", "items": items, "minItems": 1}


# A value that is no string ("true" without its quotes) is refused by the API, too.
TEXTS = {"type": "object", "additionalProperties": TEXT}
METADATA = of({"name": NAME}, labels=TEXTS, annotations=TEXTS, namespace=NAME)
SELECTOR = of({}, matchLabels=TEXTS)

CONTAINER = of(
    {"name": NAME, "image": TEXT},
    env=some(of({"name": {"type": "string", "pattern": "^[A-Z_][A-Z0-9_]*$"}, "value": TEXT})),
    ports=some(of({"containerPort": NUMBER}, name=PORT_NAME, protocol=PROTOCOL)),
    volumeMounts=some(of({"name": NAME, "mountPath": {"type": "string", "pattern": "^/"}}, readOnly=BOOLEAN)),
    securityContext=of({}, allowPrivilegeEscalation=BOOLEAN, readOnlyRootFilesystem=BOOLEAN, runAsNonRoot=BOOLEAN,
                       capabilities=of({}, drop=some(TEXT)), seccompProfile=of({"type": {"enum": ["RuntimeDefault"]}})))
VOLUME = of({"name": NAME},
            secret=of({"secretName": NAME}, defaultMode={"type": "integer", "minimum": 0, "maximum": 0o777}),
            emptyDir=of({}, medium={"enum": ["", "Memory"]}))
POD = of({"containers": some(CONTAINER)}, volumes=some(VOLUME))

KINDS = {
    ("v1", "Namespace"): {},
    ("network.openshift.io/v1", "NetNamespace"): {},
    ("v1", "Service"): {"spec": of(
        {"selector": TEXTS, "ports": some(of({"port": NUMBER}, name=PORT_NAME, protocol=PROTOCOL))},
        clusterIP={"enum": ["None"]}, publishNotReadyAddresses=BOOLEAN)},
    ("apps/v1", "Deployment"): {"spec": of(
        {"selector": SELECTOR, "template": of({"metadata": of({"labels": TEXTS}), "spec": POD})},
        replicas={"type": "integer", "minimum": 0})},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"spec": of(
        {"podSelector": SELECTOR},
        policyTypes=some({"enum": ["Ingress", "Egress"]}),
        ingress=some(of({}, **{"from": some(of({}, podSelector=SELECTOR))},
                        ports=some(of({"port": NUMBER}, protocol=PROTOCOL, endPort=NUMBER)))))},
}


def validate(manifest):
    kind = (manifest.get("apiVersion"), manifest.get("kind"))
    if kind not in KINDS:
        raise jsonschema.ValidationError("unknown: {}".format(kind))
    schema = of({"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA, **KINDS[kind]})
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(manifest, schema)
    if kind[1] == "Deployment":
        # The API holds these together.
        spec = manifest["spec"]
        labels = spec["template"]["metadata"]["labels"]
        volumes = [volume["name"] for volume in spec["template"]["spec"].get("volumes", [])]
        mounts = [mount["name"] for container in spec["template"]["spec"]["containers"]
                  for mount in container.get("volumeMounts", [])]
        if not spec["selector"]["matchLabels"].items() <= labels.items() or set(mounts) != set(volumes):
            raise jsonschema.ValidationError("labels or volumes do not fit")


def load(name, system="openshift"):
    return yaml.safe_load((ROOT / "deploy" / system / name).read_text())


class DeployTest(unittest.TestCase):
    def test_every_manifest_has_the_fields_that_the_api_takes(self):
        for system, guide, least in (("openshift", "containers.md", 4), ("kubernetes", "kubernetes.md", 3)):
            files = sorted((ROOT / "deploy" / system).glob("*"))
            self.assertGreaterEqual(len(files), least)
            for file in files:
                with self.subTest(file=file.name):
                    for manifest in yaml.safe_load_all(file.read_text()):
                        validate(manifest)
                    # What its first lines say names the file, and the guide names it or its folder.
                    self.assertIn(str(file.relative_to(ROOT)), file.read_text())
                    self.assertIn("deploy/{}".format(system), (ROOT / "guides" / guide).read_text())

    def test_the_guide_shows_the_files_as_they_are(self):
        text = (ROOT / "guides/kubernetes.md").read_text()
        blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
        shown = "---\n".join(re.sub(r"\A(#.*\n)*", "", (ROOT / "deploy/kubernetes" / name).read_text())
                            for name in ("service.yaml", "deployment.yaml", "networkpolicy.yaml"))
        self.assertEqual(blocks, [shown])

    def test_a_slip_of_the_pen_is_found(self):
        for name, wrong in (("deployment.yaml", lambda m: m["spec"].update(replica=2)),
                            ("deployment.yaml", lambda m: m["spec"]["template"]["metadata"].update(labels={"app": "x"})),
                            ("namespace.yaml", lambda m: m["metadata"]["annotations"].update(a=True)),
                            ("networkpolicy.yaml", lambda m: m["spec"]["ingress"][0]["ports"][0].update(port=70000)),
                            ("networkpolicy.yaml", lambda m: m.update(apiVersion="networking.k8s.io/v2"))):
            manifest = load(name)
            validate(manifest)
            wrong(manifest)
            with self.assertRaises(jsonschema.ValidationError):
                validate(manifest)

    def test_on_kubernetes_the_pods_find_each_other_by_the_headless_service(self):
        service = load("service.yaml", "kubernetes")
        deployment = load("deployment.yaml", "kubernetes")
        policy = load("networkpolicy.yaml", "kubernetes")
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        # Pods that are not ready yet, too: otherwise none of the first would find another.
        self.assertIs(service["spec"]["publishNotReadyAddresses"], True)
        self.assertEqual(service["spec"]["clusterIP"], "None")
        self.assertEqual(service["spec"]["selector"], labels)
        guide = (ROOT / "guides/kubernetes.md").read_text()
        self.assertIn("seeds: [{{:dns, \"{}\"}}]".format(service["metadata"]["name"]), guide)
        # Both secrets are files of the one that the guide makes, where the guide's application reads them.
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        [secrets] = [mount for mount in container["volumeMounts"] if mount["name"] == "secrets"]
        self.assertIn({"name": "RELEASE_COOKIE_FILE", "value": secrets["mountPath"] + "/cookie"}, container["env"])
        self.assertIn("secret: {{:file, \"{}/cluster.key\"}}".format(secrets["mountPath"]), guide)
        [volume] = [v for v in deployment["spec"]["template"]["spec"]["volumes"] if v["name"] == "secrets"]
        self.assertIn("kubectl create secret generic {} --from-file=cluster.key --from-file=cookie".format(
            volume["secret"]["secretName"]), guide)
        # The policy is of these pods, for these pods, and its ports are the group's, those of the nodes, and Erlang's.
        [rule] = policy["spec"]["ingress"]
        self.assertEqual(policy["spec"]["podSelector"]["matchLabels"], labels)
        self.assertEqual(rule["from"], [{"podSelector": {"matchLabels": labels}}])
        erlang = int(re.search(r"inet_dist_listen_min (\d+) inet_dist_listen_max \1$", guide, re.M).group(1))
        self.assertEqual(rule["ports"], [{"protocol": "UDP", "port": 45893, "endPort": 45901},
                                         {"protocol": "TCP", "port": erlang}])

    def test_multicast_is_allowed_and_reaches_the_pods_of_other_machines(self):
        annotations = {**load("namespace.yaml")["metadata"]["annotations"],
                       **load("netnamespace.yaml")["metadata"]["annotations"]}
        self.assertEqual(annotations, {"k8s.ovn.org/multicast-enabled": "true",
                                       "netnamespace.network.openshift.io/multicast-enabled": "true"})
        container = load("deployment.yaml")["spec"]["template"]["spec"]["containers"][0]
        # What OpenShift's own check of multicast uses.
        self.assertIn({"name": "GOSSIP_TTL", "value": "64"}, container["env"])

    def test_the_ports_are_those_of_the_image(self):
        dockerfile = (ROOT / "Dockerfile").read_text()
        exposed = re.search(r"^EXPOSE (.*)$", dockerfile, re.M).group(1).split()
        container = load("deployment.yaml")["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(["{containerPort}/{protocol}".format(**port).lower() for port in container["ports"]], exposed)
        first, last = re.search(r"inet_dist_listen_min (\d+) inet_dist_listen_max (\d+)", dockerfile).groups()
        ports = load("networkpolicy.yaml")["spec"]["ingress"][0]["ports"]
        self.assertIn({"protocol": "TCP", "port": int(first), "endPort": int(last)}, ports)
        self.assertIn({"protocol": "UDP", "port": 45893, "endPort": 45901}, ports)


if __name__ == "__main__":
    unittest.main()
