const barn = { lat: 31.22, lng: 121.54 };

/** Where a bench's goods lie, where its buyers live and who carries: one site, one community, one carrier. */
export function placesToPut({
  carrierUrl,
  zones,
}: {
  carrierUrl: string;
  zones: readonly string[];
}): [path: string, body: object][] {
  return [
    ['sites/barn', { name: '总仓', kind: 'central', location: barn, zones, cutoff: '23:30' }],
    ['communities/garden', { name: '花园里', region: 'shanghai', location: barn }],
    [
      'carriers/road',
      {
        name: '速通',
        baseUrl: carrierUrl,
        zones,
        transitDays: 1,
        shipmentsPerDay: 10_000_000,
        rates: zones.map((zone) => ({ zone, baseFen: 600, perKgFen: 80, perKmFen: 1 })),
      },
    ],
  ];
}
