{{/* Names, labels, the table of rows: what every template is made of. */}}

{{- define "examhall.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* The rows of this layout as {NAME: row}, each with what follows from its name: `part` is what `examhall serve` starts. */}}
{{- define "examhall.rows" -}}
{{- $rows := dict -}}
{{- range $name, $row := .Values.services -}}
{{- $chosen := or (eq $name "gateway") (eq (eq $name "hall") (eq $.Values.layout "one")) -}}
{{- if $chosen -}}
{{- $gateway := eq $name "gateway" -}}
{{- $more := dict "part" (ternary "gateway" "hall" $gateway) "kind" (ternary "Deployment" "StatefulSet" $gateway) -}}
{{- $_ := set $rows $name (merge $more $row) -}}
{{- end -}}
{{- end -}}
{{- toYaml $rows -}}
{{- end }}

{{/* The three below take (list $ NAME). */}}
{{- define "examhall.name" -}}
{{- printf "%s-%s" (include "examhall.fullname" (index . 0)) (index . 1) -}}
{{- end }}

{{- define "examhall.selectorLabels" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "examhall.labels" -}}
{{ include "examhall.selectorLabels" . }}
app.kubernetes.io/part-of: {{ (index . 0).Values.hall }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end }}

{{/* Takes (list $ NAME): metadata of an object of a row. */}}
{{- define "examhall.metadata" -}}
name: {{ include "examhall.name" . }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "examhall.labels" . | nindent 2 }}
{{- end }}

{{- define "examhall.image" -}}
{{- $global := .Values.global | default dict -}}
{{- $registry := $global.imageRegistry | default .Values.image.registry -}}
{{- if $registry }}{{ $registry }}/{{ end -}}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- end }}
