/* services.c - every service of this hall, in the order in which they see an event. */
#include "app/service.h"

extern const struct service svc_identity, svc_itembank, svc_assembly, svc_delivery, svc_answers,
    svc_scoring, svc_results;

const struct service *const services[] = {
    &svc_identity, &svc_itembank, &svc_assembly, &svc_delivery,
    &svc_answers,  &svc_scoring,  &svc_results,  NULL,
};
