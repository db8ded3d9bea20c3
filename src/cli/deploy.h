/* deploy.h - the ways of `examhall deploy ENV`: the hall that runs on this machine
 * (deploy_local.c), and an environment on Kubernetes (deploy_cloud.c). */
#pragma once

#include "cli/cmd.h"

struct deploy_opts { /* as given, or NULL */
    const char *env; /* "local", "prod" */
    bool undo;
    const char *data, *binary; /* of a hall that runs here */
    int64_t watch_s;
    const char *spec, *repository; /* of an environment of the spec: where deploy/ lies */
    const char *image, *certificate, *key, *roster, *credentials, *kubeconfig, *values, *timeout;
    bool infrastructure, dry;
};

int deploy_local(const struct deploy_opts *opts);
int deploy_cloud(const struct deploy_opts *opts);
