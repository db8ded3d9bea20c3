// rules.mjs - what must hold for every object that the chart renders, read from the JSON that `strict` writes.
//
//     rules.mjs FILE...             one line for each breach; status 1 if any
//     rules.mjs --prove FILE...     breaks each rule once in a copy, and must find it: a rule that finds nothing is no rule

import { readFileSync } from "node:fs";

const workloads = (objects) => objects.filter((o) => ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"].includes(o.kind));
const pods = (objects) => workloads(objects).map((o) => ({ name: `${o.kind} ${o.metadata.name}`, spec: o.spec.template.spec, labels: o.spec.template.metadata.labels, of: o }));
const containers = (objects) => pods(objects).flatMap((p) => [...(p.spec.initContainers ?? []), ...p.spec.containers].map((c) => ({ ...c, name: `${p.name}/${c.name}`, c })));
const serving = (objects) => containers(objects).filter((c) => !c.name.startsWith("Job ")); // what goes on
const of = (objects, kind) => objects.filter((o) => o.kind === kind);
const fits = (selector, labels) => Object.entries(selector.matchLabels ?? selector).every(([k, v]) => labels[k] === v);
const label = ["name", "instance", "component", "part-of", "managed-by"].map((k) => `app.kubernetes.io/${k}`);

/** name, what it is about, is it broken?, and how a copy is broken. */
const RULES = [
  ["pods run as a user that is not root", pods, (p) => p.spec.securityContext?.runAsNonRoot !== true || !(p.spec.securityContext.runAsUser > 0), (p) => delete p.spec.securityContext.runAsNonRoot],
  ["pods have the runtime's system call filter", pods, (p) => p.spec.securityContext?.seccompProfile?.type !== "RuntimeDefault", (p) => (p.spec.securityContext.seccompProfile.type = "Unconfined")],
  ["pods have no token of the API server", pods, (p) => p.spec.automountServiceAccountToken !== false, (p) => delete p.spec.automountServiceAccountToken],
  ["pods share nothing of the node", pods, (p) => p.spec.hostNetwork || p.spec.hostPID || p.spec.hostIPC || (p.spec.volumes ?? []).some((v) => v.hostPath), (p) => (p.spec.hostNetwork = true)],
  ["pods have a service account of their own", pods, (p) => !p.spec.serviceAccountName || p.spec.serviceAccountName === "default", (p) => (p.spec.serviceAccountName = "default")],
  ["pods learn nothing of other services by environment", pods, (p) => p.spec.enableServiceLinks !== false, (p) => delete p.spec.enableServiceLinks],
  ["files are read-only", containers, (c) => c.securityContext?.readOnlyRootFilesystem !== true, (c) => (c.c.securityContext.readOnlyRootFilesystem = false)],
  ["nothing gains rights", containers, (c) => c.securityContext?.allowPrivilegeEscalation !== false || c.securityContext.privileged, (c) => delete c.c.securityContext.allowPrivilegeEscalation],
  ["all capabilities are dropped", containers, (c) => c.securityContext?.capabilities?.drop?.join() !== "ALL" || c.securityContext.capabilities.add, (c) => (c.c.securityContext.capabilities.drop = ["NET_RAW"])],
  ["images are named by digest, never by tag", containers, (c) => !/^[^:@]+(:[0-9]+\/[^:@]+)?@sha256:[0-9a-f]{64}$/.test(c.image), (c) => (c.c.image = c.image.replace(/@.*/, ":latest"))],
  ["memory has a limit, equal to or above the request", containers, (c) => !c.resources?.limits?.memory || !c.resources.requests?.memory || !c.resources.requests.cpu, (c) => delete c.c.resources.limits],
  ["CPU has no limit", containers, (c) => c.resources?.limits?.cpu, (c) => (c.c.resources.limits.cpu = "1")],
  ["three probes, of the right paths", serving, (c) => c.startupProbe?.httpGet?.path !== "/-/started" || c.readinessProbe?.httpGet?.path !== "/-/ready" || c.livenessProbe?.httpGet?.path !== "/-/live", (c) => (c.c.livenessProbe.httpGet.path = "/-/ready")],
  ["probes name a port that the container has", serving, (c) => [c.startupProbe, c.readinessProbe, c.livenessProbe].some((p) => !c.ports.some((port) => port.name === p.httpGet.port)), (c) => (c.c.livenessProbe.httpGet.port = "admin")],
  ["secrets are mounted, readable by their owner and group only, and in no variable", pods, (p) => (p.spec.volumes ?? []).some((v) => v.secret && v.secret.defaultMode !== 0o400) || p.spec.containers.some((c) => (c.env ?? []).some((e) => e.valueFrom?.secretKeyRef)), (p) => (p.spec.volumes.find((v) => v.secret).secret.defaultMode = 0o444)],
  ["only the hall has the master key", pods, (p) => p.labels["app.kubernetes.io/component"] !== "hall" && (p.spec.volumes ?? []).some((v) => /keys/.test(v.secret?.secretName)), (p) => { p.labels["app.kubernetes.io/component"] = "gateway"; p.spec.volumes.push({ name: "x", secret: { secretName: "examhall-keys", defaultMode: 0o400 } }); }],
  ["a Deployment rolls with nothing unavailable", (o) => of(o, "Deployment"), (d) => d.spec.strategy?.rollingUpdate?.maxUnavailable !== 0 || !d.spec.minReadySeconds, (d) => (d.spec.strategy.rollingUpdate.maxUnavailable = 1)],
  ["replicas are left to whoever scales", (o) => of(o, "Deployment").filter((d) => o.some((s) => s.spec?.scaleTargetRef?.name === d.metadata.name && s.spec.scaleTargetRef.kind === d.kind)), (d) => d.spec.replicas !== undefined, (d) => (d.spec.replicas = 3)],
  ["a gateway has time to drain", (o) => pods(o).filter((p) => p.labels["app.kubernetes.io/component"] === "gateway"), (p) => {
    const arg = (name) => Number(p.spec.containers[0].args.find((a) => a.startsWith(`--${name}=`))?.split("=")[1]);
    return !(p.spec.terminationGracePeriodSeconds > arg("drain") && arg("drain") > arg("drain-delay"));
  }, (p) => (p.spec.terminationGracePeriodSeconds = 30)],
  ["a check that fails ends at once, and in time", (o) => of(o, "Job"), (j) => j.spec.backoffLimit !== 0 || !(j.spec.activeDeadlineSeconds > 0) || j.spec.template.spec.restartPolicy !== "Never", (j) => delete j.spec.activeDeadlineSeconds],
  ["labels are the conventional ones", (o) => o, (o) => label.some((l) => !o.metadata.labels?.[l]), (o) => delete o.metadata.labels["app.kubernetes.io/part-of"]],
  ["everything is in the release's namespace", (o) => o, (o) => o.metadata.namespace !== "examhall", (o) => (o.metadata.namespace = "default")],
  ["a selector finds its own pods", (o) => workloads(o).filter((w) => w.kind !== "Job"), (w) => !fits(w.spec.selector, w.spec.template.metadata.labels), (w) => (w.spec.selector.matchLabels["app.kubernetes.io/component"] = "other")],
];

/** Of all objects together: name, breaches, and how a copy is broken. */
const WHOLES = [
  ["every service finds pods and a port they have", (o) => of(o, "Service").filter((s) => {
    const p = pods(o).find((pod) => fits(s.spec.selector, pod.labels));
    return !p || s.spec.ports.some((port) => !p.spec.containers.some((c) => c.ports.some((have) => have.name === port.targetPort)));
  }), (o) => (of(o, "Service")[0].spec.ports[0].targetPort = "other")],
  ["every service account that is named is there", (o) => pods(o).filter((p) => !of(o, "ServiceAccount").some((a) => a.metadata.name === p.spec.serviceAccountName)), (o) => o.splice(o.indexOf(of(o, "ServiceAccount")[0]), 1)],
  ["service accounts have no token of their own", (o) => of(o, "ServiceAccount").filter((a) => a.automountServiceAccountToken !== false), (o) => delete of(o, "ServiceAccount")[0].automountServiceAccountToken],
  ["what is scaled, bound, budgeted or watched is there", (o) => [
    ...o.filter((s) => s.spec?.scaleTargetRef && !o.some((w) => w.kind === s.spec.scaleTargetRef.kind && w.metadata.name === s.spec.scaleTargetRef.name)),
    ...of(o, "TargetGroupBinding").filter((b) => !of(o, "Service").some((s) => s.metadata.name === b.spec.serviceRef.name)),
    ...[...of(o, "PodDisruptionBudget"), ...of(o, "ServiceMonitor")].filter((b) => !pods(o).some((p) => fits(b.spec.selector, p.labels))),
  ], (o) => { const one = o.find((s) => s.spec?.scaleTargetRef) ?? of(o, "PodDisruptionBudget")[0]; one.spec.scaleTargetRef ? (one.spec.scaleTargetRef.name = "x") : (one.spec.selector.matchLabels = { x: "y" }); }],
  ["every image is started once before anything is replaced", (o) => serving(o).filter((c) => !of(o, "Job").some((j) => /pre-install,pre-upgrade/.test(j.metadata.annotations?.["helm.sh/hook"]) && j.spec.template.spec.containers[0].image === c.image)), (o) => delete of(o, "Job")[0].metadata.annotations["helm.sh/hook"]],
  ["names are used once in a kind", (o) => o.filter((a, i) => o.some((b, k) => k < i && a.kind === b.kind && a.metadata.name === b.metadata.name)), (o) => o.push(structuredClone(o[0]))],
];
const POLICIES = [
  ["a policy denies everything that no other allows", (o) => (of(o, "NetworkPolicy").some((p) => !p.spec.ingress && !p.spec.egress && p.spec.policyTypes.length === 2 && pods(o).every((pod) => fits(p.spec.podSelector, pod.labels))) ? [] : [{}]), (o) => (of(o, "NetworkPolicy").find((p) => !p.spec.ingress).spec.policyTypes = ["Ingress"])],
  ["the hall is called by gateways only, and calls nobody", (o) => of(o, "NetworkPolicy").filter((p) => p.metadata.labels["app.kubernetes.io/component"] === "hall").filter((p) => p.spec.egress.length || p.spec.ingress.some((rule) => rule.ports[0].port === "gate" ? rule.from.length !== 1 || rule.from[0].podSelector.matchLabels["app.kubernetes.io/component"] !== "gateway" : rule.ports[0].port !== "probes" || !rule.from)), (o) => of(o, "NetworkPolicy").find((p) => p.metadata.labels["app.kubernetes.io/component"] === "hall").spec.egress.push({})],
  ["gateways call the hall and the name server, and nothing else", (o) => of(o, "NetworkPolicy").filter((p) => p.metadata.labels["app.kubernetes.io/component"] === "gateway").filter((p) => p.spec.egress.some((rule) => !rule.to || !(rule.ports.every((port) => port.port === 53) || rule.to[0].podSelector.matchLabels["app.kubernetes.io/component"] === "hall"))), (o) => delete of(o, "NetworkPolicy").find((p) => p.metadata.labels["app.kubernetes.io/component"] === "gateway").spec.egress[0].to],
  ["what is called has one port and one name, in its pod and its service: EKS asks for it", (o) => of(o, "NetworkPolicy").flatMap((p) => p.spec.egress ?? []).filter((rule) => rule.to?.[0].podSelector).filter((rule) => {
    const pod = pods(o).find((p) => fits(rule.to[0].podSelector, p.labels));
    const port = pod?.spec.containers.flatMap((c) => c.ports).find((have) => have.name === rule.ports[0].port);
    return !port || !of(o, "Service").some((s) => fits(s.spec.selector, pod.labels) && s.spec.ports.some((p) => p.name === port.name && p.port === port.containerPort));
  }), (o) => (of(o, "Service").flatMap((s) => s.spec.ports).find((port) => port.name === "gate").port = 443)],
];

const name_of = (thing) => thing.metadata?.name ?? thing.name ?? "";
const wholes = (objects) => [...WHOLES, ...(of(objects, "NetworkPolicy").length ? POLICIES : [])];
const breaches = (objects) => [
  ...RULES.flatMap(([rule, things, broken]) => things(objects).filter(broken).map((t) => `${rule}: ${t.kind ?? ""} ${name_of(t)}`)),
  ...wholes(objects).flatMap(([rule, broken]) => broken(objects).map((t) => `${rule}: ${t.kind ?? ""} ${name_of(t)}`)),
];

const prove = process.argv[2] === "--prove";
const files = process.argv.slice(prove ? 3 : 2);
const sets = files.map((file) => [file, JSON.parse(readFileSync(file, "utf8"))]);
const found = [];
let count = 0;
if (!prove) for (const [file, objects] of sets) found.push(...breaches(objects).map((b) => `${file}: ${b}`));
else
  for (const [rule, things, , destroy] of [...RULES, ...[...WHOLES, ...POLICIES].map(([r, , d]) => [r, (o) => (d.length && !of(o, "NetworkPolicy").length && POLICIES.some(([p]) => p === r) ? [] : [o]), null, d])]) {
    const set = sets.find(([, objects]) => things(objects).length);
    if (!set) { found.push(`${rule}: nothing to break it in`); continue; }
    const copy = structuredClone(set[1]);
    destroy(things(copy)[0]);
    if (!breaches(copy).some((b) => b.startsWith(rule))) found.push(`${rule}: broken, and not found`);
    count++;
  }
for (const line of found) console.log(line);
if (!found.length) console.log(prove ? `${count} rules, each finds its breach` : `${RULES.length + WHOLES.length + POLICIES.length} rules, ${sets.reduce((n, [, o]) => n + o.length, 0)} objects`);
process.exit(found.length ? 1 : 0);
