{{/* What this version cannot do, or what cannot be meant, ends here with a sentence: nothing is rendered that would only look
     right. Included first in workloads.yaml. */}}
{{- define "examhall.refusals" -}}
{{- if ne .Values.layout "one" -}}
{{- fail "layout: each runs every service in pods of its own, which need a log that they share (Kafka); this version has the embedded log only, so use layout: one" -}}
{{- end -}}
{{- if or (ne .Values.log.backend "embedded") (ne .Values.store.backend "embedded") (ne .Values.blobs.backend "folder") -}}
{{- fail "log.backend, store.backend, blobs.backend: this version has embedded, embedded and folder only; Kafka, MongoDB and S3 are not there yet" -}}
{{- end -}}
{{- if ne (int .Values.services.hall.replicaCount) 1 -}}
{{- fail (printf "services.hall.replicaCount is %d, and must be 1: the embedded log is a folder with one writer; more would damage nothing (the volume and a lock forbid it), but would never start" (int .Values.services.hall.replicaCount)) -}}
{{- end -}}
{{- if and .Values.services.hall.autoscaling .Values.services.hall.autoscaling.enabled -}}
{{- fail "services.hall.autoscaling.enabled: there is exactly one hall pod, see services.hall.replicaCount; gateways scale" -}}
{{- end -}}
{{- if not .Values.image.digest -}}
{{- fail "image.digest is empty: the deployment sets it, --set image.digest=sha256:... (examhall image push says it)" -}}
{{- end -}}
{{- if ne .Release.Namespace .Values.namespace -}}
{{- fail (printf "the release goes into namespace %s, but namespace is %s, which Terraform's roles are bound to: give --namespace %s, or set namespace" .Release.Namespace .Values.namespace .Values.namespace) -}}
{{- end -}}
{{- if le (int .Values.drain.graceSeconds) (add (int .Values.drain.delaySeconds) 15) -}}
{{- fail (printf "drain.graceSeconds is %d, and must be more than drain.delaySeconds + 15: candidates need time to be let go" (int .Values.drain.graceSeconds)) -}}
{{- end -}}
{{- range .Values.networkPolicy.calls -}}
{{- range $name := list .from .to -}}
{{- if not (hasKey $.Values.services $name) -}}
{{- fail (printf "networkPolicy.calls names %s, which is no row of services" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
