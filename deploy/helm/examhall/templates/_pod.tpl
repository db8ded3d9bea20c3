{{/* The pod of a row. Takes (list $ NAME row). */}}
{{- define "examhall.pod" -}}
{{- $ := index . 0 -}}
{{- $name := index . 1 -}}
{{- $row := index . 2 -}}
metadata:
  labels:
    {{- include "examhall.labels" (list $ $name) | nindent 4 }}
  annotations:
    {{- if eq $row.part "hall" }}
    checksum/config: {{ toYaml $.Values.config | sha256sum }}
    {{- end }}
    kubectl.kubernetes.io/default-container: examhall
    {{- with $row.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "examhall.name" (list $ $name) }}
  {{- include "examhall.pod.confined" $ | nindent 2 }}
  {{- with $row.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  # A gateway drains by itself (docs/adr/0018), so there is no preStop hook. A hall ends at once: gateways hold what is asked.
  terminationGracePeriodSeconds: {{ ternary $.Values.drain.graceSeconds 30 (eq $row.part "gateway") }}
  {{- with include "examhall.placement" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  containers:
    - name: examhall
      image: {{ include "examhall.image" $ }}
      imagePullPolicy: {{ $.Values.image.pullPolicy }}
      args:
        {{- include (printf "examhall.args.%s" $row.part) . | nindent 8 }}
      {{- with $row.extraEnvVars }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- if eq $row.part "gateway" }}
        - {name: https, containerPort: 8443, protocol: TCP}
        {{- else }}
        - {name: gate, containerPort: 7443, protocol: TCP}
        {{- end }}
        - {name: probes, containerPort: 8080, protocol: TCP}
      resources:
        {{- toYaml $row.resources | nindent 8 }}
      {{- include "examhall.container.confined" $ | nindent 6 }}
      {{- include (printf "examhall.probes.%s" $row.part) . | nindent 6 }}
      volumeMounts:
        {{- include (printf "examhall.mounts.%s" $row.part) . | nindent 8 }}
  volumes:
    - name: gate
      secret: {secretName: {{ $.Values.existingSecrets.gate }}, defaultMode: 0400, items: [{key: gate.key, path: gate.key}]}
    {{- include (printf "examhall.volumes.%s" $row.part) . | nindent 4 }}
{{- end }}

{{/* What no pod, and no container, of ours may do. */}}
{{- define "examhall.pod.confined" -}}
automountServiceAccountToken: false # nothing here talks to the API server
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "examhall.container.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Where it may run. */}}
{{- define "examhall.placement" -}}
{{- $ := index . 0 -}}
{{- $name := index . 1 -}}
{{- $row := index . 2 -}}
{{- if or $row.pool $row.nodeSelector }}
nodeSelector:
  {{- with $row.pool }}
  examhall.org/pool: {{ . }}
  {{- end }}
  {{- with $row.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- if or $row.pool $row.tolerations }}
tolerations:
  {{- with $row.pool }}
  - {key: examhall.org/pool, operator: Equal, value: {{ . }}, effect: NoSchedule}
  {{- end }}
  {{- with $row.tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- with $row.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if and (eq $row.part "gateway") (or $.Values.topologySpread.zone $.Values.topologySpread.node) }}
topologySpreadConstraints:
  {{- range $key, $when := dict "topology.kubernetes.io/zone" $.Values.topologySpread.zone "kubernetes.io/hostname" $.Values.topologySpread.node }}
  {{- if $when }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: {{ $when }}
    labelSelector:
      matchLabels:
        {{- include "examhall.selectorLabels" (list $ $name) | nindent 8 }}
    matchLabelKeys: [pod-template-hash] # the pods of a rollout spread among themselves
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* --- a gateway: certificate, the way to the hall, a folder for its sockets --- */}}

{{- define "examhall.args.gateway" -}}
{{- $ := index . 0 -}}
{{- $row := index . 2 -}}
- serve
- --quiet
- --data=/run/examhall
- --hall={{ $row.hallAddress | default (printf "%s:7443" (include "examhall.name" (list $ "hall"))) }}
- --gate-key=/etc/examhall/gate/gate.key
- --listen=0.0.0.0:8443
- --tls-cert=/etc/examhall/tls/tls.crt
- --tls-key=/etc/examhall/tls/tls.key
- --listen-probes=0.0.0.0:8080
- --candidates={{ $row.candidates | int64 }}
- --reactors={{ $row.reactors | int64 }}
- --drain-delay={{ $.Values.drain.delaySeconds | int64 }}
- --drain={{ sub (int64 $.Values.drain.graceSeconds) 5 }}
{{- end }}

{{- define "examhall.probes.gateway" -}}
startupProbe:
  httpGet: {path: /-/started, port: probes}
  periodSeconds: 1
  failureThreshold: 60
readinessProbe: # the hall has answered once, and it is not ending: not whether the hall is there now
  httpGet: {path: /-/ready, port: probes}
  periodSeconds: 2
  timeoutSeconds: 2
livenessProbe:
  httpGet: {path: /-/live, port: probes}
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{- define "examhall.mounts.gateway" -}}
- {name: run, mountPath: /run/examhall}
- {name: tls, mountPath: /etc/examhall/tls, readOnly: true}
- {name: gate, mountPath: /etc/examhall/gate, readOnly: true}
{{- end }}

{{- define "examhall.volumes.gateway" -}}
- name: run
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: tls
  secret: {secretName: {{ (index . 0).Values.existingSecrets.tls }}, defaultMode: 0400}
{{- end }}

{{/* --- a hall: its folder, its keys, its spec --- */}}

{{- define "examhall.args.hall" -}}
- serve
- --quiet
- --data=/var/lib/examhall
- --spec=/etc/examhall/spec/hall.yaml
- --listen-gate=0.0.0.0:7443
- --gate-key=/etc/examhall/gate/gate.key
- --listen-probes=0.0.0.0:8080
{{- end }}

{{- define "examhall.probes.hall" -}}
startupProbe: # until the log is read
  httpGet: {path: /-/started, port: probes}
  periodSeconds: 1
  failureThreshold: 600
readinessProbe:
  httpGet: {path: /-/ready, port: probes}
  periodSeconds: 2
  timeoutSeconds: 2
livenessProbe: # its loop turns; nothing else is asked
  httpGet: {path: /-/live, port: probes}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- define "examhall.mounts.hall" -}}
- {name: data, mountPath: /var/lib/examhall}
- {name: keys, mountPath: /var/lib/examhall/keys, readOnly: true}
- {name: spec, mountPath: /etc/examhall/spec, readOnly: true}
- {name: gate, mountPath: /etc/examhall/gate, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "examhall.volumes.hall" -}}
{{- $ := index . 0 -}}
{{- $name := index . 1 -}}
{{- $row := index . 2 -}}
- name: keys
  secret: {secretName: {{ $.Values.existingSecrets.keys }}, defaultMode: 0400}
- name: spec
  configMap: {name: {{ include "examhall.name" (list $ $name) }}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- with $row.persistence.existingClaim }}
- name: data
  persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- end }}
