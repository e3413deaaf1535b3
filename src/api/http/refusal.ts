/** Why a call is turned away by the limits. */
export const refusalReasons = ['keyRate', 'tenantRate', 'fairShare', 'inFlight', 'queueFull'] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** Turned away before anything was done. */
export interface Refusal {
  reason: RefusalReason;
  retryAfterSeconds: number;
}
