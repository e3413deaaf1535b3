import type {
  Location,
  SeedCarrier,
  SeedCommunity,
  SeedLeader,
  SeedPickupPoint,
  SeedSite,
  SeedSupplier,
} from './seedModel';

/** A town of the demo's region: its communities lie around it. Places are real, everything in them is invented. */
interface Town {
  id: string;
  nameZh: string;
  province: string;
  city: string;
  region: string;
  location: Location;
  communities: string[];
}

const towns: Town[] = [
  town(
    'pudong',
    '浦东新区',
    '上海市',
    '上海市',
    'shanghai',
    31.22,
    121.54,
    '碧云里 锦绣苑 花木新村 金桥湾 联洋公馆 张江雅居 世纪家园 陆家浜苑',
  ),
  town(
    'xuhui',
    '徐汇区',
    '上海市',
    '上海市',
    'shanghai',
    31.19,
    121.44,
    '田林坊 龙华里 漕河泾苑 康健新村 梧桐院 斜土里',
  ),
  town(
    'jiading',
    '嘉定区',
    '上海市',
    '上海市',
    'shanghai',
    31.38,
    121.26,
    '菊园里 马陆新城 远香湖畔 南翔古猗苑 安亭花园',
  ),
  town(
    'suzhou',
    '工业园区',
    '江苏省',
    '苏州市',
    'suzhou',
    31.32,
    120.71,
    '湖左岸 师惠坊 斜塘老街 独墅苑 星海里 玲珑湾畔',
  ),
  town('wuxi', '滨湖区', '江苏省', '无锡市', 'wuxi', 31.53, 120.29, '蠡湖苑 太湖里 梁溪坊 山水城 五里湖畔'),
  town(
    'nanjing',
    '建邺区',
    '江苏省',
    '南京市',
    'nanjing',
    32.0,
    118.73,
    '奥南里 莫愁湖苑 江心洲 兴隆坊 云锦里 河西新村',
  ),
  town(
    'changzhou',
    '武进区',
    '江苏省',
    '常州市',
    'changzhou',
    31.71,
    119.95,
    '西太湖苑 花园里 湖塘坊 春秋里',
  ),
];

function town(
  id: string,
  nameZh: string,
  province: string,
  city: string,
  region: string,
  lat: number,
  lng: number,
  communities: string,
): Town {
  return { id, nameZh, province, city, region, location: { lat, lng }, communities: communities.split(' ') };
}

const surnames = [...'王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林郑谢罗梁宋唐许邓韩冯曹'];

/** Cutoffs lie late in the evening so that the demo promises the same day at almost any hour it is started. */
const cutoff = '23:40';

const sites: SeedSite[] = [
  {
    siteId: 'jiading-central',
    name: '嘉定总仓',
    kind: 'central',
    location: { lat: 31.36, lng: 121.22 },
    zones: ['ambient', 'chilled', 'frozen'],
    cutoff,
    shipmentsPerHour: 6000,
    safetyStock: 2,
  },
  {
    siteId: 'pudong-forward',
    name: '浦东前置仓',
    kind: 'forward',
    location: { lat: 31.21, lng: 121.58 },
    zones: ['ambient', 'chilled', 'frozen', 'special'],
    cutoff,
    shipmentsPerHour: 1500,
  },
  {
    siteId: 'suzhou-forward',
    name: '苏州前置仓',
    kind: 'forward',
    location: { lat: 31.3, lng: 120.68 },
    zones: ['ambient', 'chilled', 'frozen', 'special'],
    cutoff,
    shipmentsPerHour: 1200,
  },
  {
    siteId: 'nanjing-forward',
    name: '南京前置仓',
    kind: 'forward',
    location: { lat: 31.97, lng: 118.76 },
    zones: ['ambient', 'chilled', 'frozen', 'special'],
    cutoff,
    shipmentsPerHour: 1200,
  },
  {
    siteId: 'xuhui-store',
    name: '徐汇门店',
    kind: 'store',
    location: { lat: 31.18, lng: 121.43 },
    zones: ['ambient', 'chilled', 'special'],
    cutoff,
    shipmentsPerHour: 300,
  },
  {
    siteId: 'yancheng-origin',
    name: '盐城产地仓',
    kind: 'supplier',
    location: { lat: 33.35, lng: 120.16 },
    zones: ['ambient', 'chilled', 'special'],
    cutoff,
    shipmentsPerHour: 600,
  },
];

export interface Network {
  sites: SeedSite[];
  communities: SeedCommunity[];
  leaders: SeedLeader[];
  pickupPoints: SeedPickupPoint[];
  suppliers: SeedSupplier[];
  /** Where a community's buyers live, for addresses. */
  addressOf: (communityId: string) => { province: string; city: string; district: string; street: string };
}

/** Six sites, 40 communities, 30 leaders and 36 pickup points around Shanghai and in Jiangsu. Same every time. */
export function buildNetwork(): Network {
  const communities = towns.flatMap((place) =>
    place.communities.map((name, index) => describeCommunity(place, name, index)),
  );
  const leaders = surnames.map(
    (surname, index): SeedLeader => ({
      leaderId: `leader-${String(index + 1).padStart(2, '0')}`,
      name: `${surname}团长`,
      // Two of three have a cold cabinet and the certificate.
      certificate: index % 3 === 2 ? 'basic' : 'cold',
    }),
  );
  const pickupPoints = communities
    .slice(0, 36)
    .map((community, index) => describePoint(community, communities, leaders, index));
  return { sites, communities, leaders, pickupPoints, suppliers: buildSuppliers(), addressOf };
}

function describeCommunity(place: Town, name: string, index: number): SeedCommunity {
  return {
    communityId: `${place.id}-${index + 1}`,
    name: `${place.nameZh}${name}`,
    region: place.region,
    // Spread around the town by the golden angle, one to five kilometres out.
    location: around(place.location, index * 2.4, 0.012 + 0.006 * index),
    households: 600 + ((index * 370) % 1400),
  };
}

function around(centre: Location, angle: number, degrees: number): Location {
  return {
    lat: round(centre.lat + Math.sin(angle) * degrees),
    lng: round(centre.lng + Math.cos(angle) * degrees),
  };
}

function round(degrees: number): number {
  return Math.round(degrees * 10_000) / 10_000;
}

function describePoint(
  community: SeedCommunity,
  communities: SeedCommunity[],
  leaders: SeedLeader[],
  index: number,
): SeedPickupPoint {
  const leader = leaders[index % leaders.length] as SeedLeader;
  const neighbour = communities.find(
    (other) => other.region === community.region && other.communityId > community.communityId,
  );
  const cold = leader.certificate === 'cold';
  return {
    pickupPointId: `point-${String(index + 1).padStart(2, '0')}`,
    leaderId: leader.leaderId,
    location: around(community.location, index, 0.002),
    communities: [community.communityId, ...(neighbour ? [neighbour.communityId] : [])],
    capacity: { ambientLitres: 2400, chilledLitres: cold ? 900 : 0, frozenLitres: cold ? 480 : 0 },
    opens: '08:00',
    closes: '21:30',
  };
}

/** Chinese address parts of a community. Throws for a community that is not the seed's. */
function addressOf(communityId: string): {
  province: string;
  city: string;
  district: string;
  street: string;
} {
  const place = towns.find((candidate) => communityId.startsWith(`${candidate.id}-`));
  const name = place?.communities[Number(communityId.split('-')[1]) - 1];
  if (!place || !name) throw new Error(`unknown community ${communityId}`);
  return { province: place.province, city: place.city, district: place.nameZh, street: name };
}

function buildSuppliers(): SeedSupplier[] {
  return [
    {
      supplierId: 'yancheng-seafood',
      name: '盐城滩涂水产合作社',
      skus: ['live-bass', 'live-clams', 'live-shrimp'],
      leadDays: 1,
    },
    {
      supplierId: 'dandong-berries',
      name: '丹东暖棚草莓基地',
      skus: ['strawberries', 'blueberries'],
      leadDays: 2,
    },
  ];
}

/** Four carriers, all of them the sandbox's: two for the cold, a cheap one for the rest, one that rides at once. */
export function buildCarriers(sandboxCarrierUrl: string): SeedCarrier[] {
  const base = { baseUrl: sandboxCarrierUrl, shipmentsPerDay: 100_000 };
  return [
    {
      ...base,
      carrierId: 'sutong-express',
      name: '速通快运',
      zones: ['ambient'],
      transitDays: 2,
      rates: [{ zone: 'ambient', baseFen: 320, perKgFen: 60, perKmFen: 1 }],
    },
    {
      ...base,
      carrierId: 'hanyun-coldchain',
      name: '寒运冷链',
      zones: ['chilled', 'frozen'],
      transitDays: 1,
      rates: [
        { zone: 'chilled', baseFen: 780, perKgFen: 110, perKmFen: 2 },
        { zone: 'frozen', baseFen: 980, perKgFen: 130, perKmFen: 2 },
      ],
    },
    {
      ...base,
      carrierId: 'xianfeng-coldchain',
      name: '鲜锋冷运',
      zones: ['ambient', 'chilled', 'frozen'],
      transitDays: 1,
      rates: [
        { zone: 'ambient', baseFen: 520, perKgFen: 70, perKmFen: 1 },
        { zone: 'chilled', baseFen: 720, perKgFen: 140, perKmFen: 3 },
        { zone: 'frozen', baseFen: 900, perKgFen: 170, perKmFen: 3 },
      ],
    },
    {
      ...base,
      carrierId: 'shanda-sameday',
      name: '闪达同城',
      zones: ['special'],
      transitDays: 0,
      rates: [{ zone: 'special', baseFen: 1500, perKgFen: 200, perKmFen: 12 }],
    },
  ];
}
