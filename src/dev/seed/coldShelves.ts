import type { Shelf } from './shelf';

/** 冷藏, 冷冻 and 特殊: what needs a temperature, or the same day. */
export const coldShelves: Shelf[] = [
  {
    category: 'vegetables',
    nameZh: '冷藏果蔬',
    zone: 'chilled',
    shelfLifeDays: 8,
    minimumRemainingLifeDays: 3,
    litresPerKg: 3.5,
    rows: `
strawberries|丹东草莓|500|39.9|BERRIES|STRAWBERRIES
blueberries|云南蓝莓 125克×2|270|29.9|BERRIES|BLUEBERRIES
raspberries|树莓 125克|140|19.9|BERRIES|RASPBERRIES
red-grapes|红提|1000|22.9|GRAPES|GRAPES RED
white-grapes|阳光玫瑰葡萄|800|39.9|GRAPES|GRAPES WHITE
peaches|水蜜桃|1000|25.9|STONE FRUIT|PEACHES YELLOW FLESH
plums|西梅|500|19.9|STONE FRUIT|PLUMS
cherries|车厘子|500|45.9|STONE FRUIT|CHERRIES RED
baby-carrots|迷你胡萝卜|400|7.9|CARROTS|CARROTS MINI PEELED
carrots|沙地胡萝卜|1000|6.9|CARROTS|CARROTS BAGGED
head-lettuce|球生菜|500|5.9|VEGETABLES SALAD|HEAD LETTUCE
leaf-lettuce|罗马生菜|300|6.9|VEGETABLES SALAD|VARIETY LETTUCE
cucumbers|旱黄瓜|600|6.9|VEGETABLES - ALL OTHERS|CUCUMBERS
celery|西芹|500|5.9|VEGETABLES - ALL OTHERS|CELERY
cabbage|圆白菜|1200|6.9|VEGETABLES - ALL OTHERS|CABBAGE
pak-choi|上海青|400|4.9|VEGETABLES - ALL OTHERS|VEGETABLES ALL OTHER
asparagus|芦笋|300|13.9|VEGETABLES - ALL OTHERS|ASPARAGUS
green-beans|四季豆|400|7.9|VEGETABLES - ALL OTHERS|BEANS
choy-sum|广东菜心|400|6.9|VEGETABLES - ALL OTHERS|GREENS
sweet-corn-cob|水果玉米 4根|1200|16.9|CORN|CORN YELLOW
green-peppers|青椒|400|5.9|PEPPERS-ALL|PEPPERS GREEN BELL
red-peppers|红彩椒|400|8.9|PEPPERS-ALL|PEPPERS RED BELL
broccoli|西兰花|500|7.9|BROCCOLI/CAULIFLOWER|BROCCOLI WHOLE&CROWNS
cauliflower|有机花菜|700|8.9|BROCCOLI/CAULIFLOWER|CAULIFLOWER WHOLE
zucchini|西葫芦|500|5.9|SQUASH|SQUASH ZUCCHINI
sliced-mushrooms|口蘑片|200|9.9|MUSHROOMS|MUSHROOMS WHITE SLICED PKG
mushrooms|口蘑|250|8.9|MUSHROOMS|MUSHROOMS W/WHOLE PKG
shiitake|鲜香菇|250|9.9|MUSHROOMS|MUSHROOMS PORTABELLA
cherry-tomatoes|千禧小番茄|400|12.9|TOMATOES|TOMATOES GRAPE
salad-garden|田园沙拉菜|250|11.9|SALAD MIX|REGULAR GARDEN
salad-blend|混合沙拉菜|200|12.9|SALAD MIX|BLENDS
salad-plus|缤纷沙拉菜|250|14.9|SALAD MIX|GARDEN PLUS
baby-spinach|菠菜苗|200|10.9|SALAD MIX|SALAD SPINACH
organic-greens|有机时蔬|400|12.9|ORGANICS FRUIT & VEGETABLES|ORGANIC VEGETABLES ALL OTHERS`,
  },
  {
    category: 'dairy',
    nameZh: '乳品蛋类',
    zone: 'chilled',
    shelfLifeDays: 21,
    minimumRemainingLifeDays: 7,
    litresPerKg: 1.2,
    rows: `
fresh-milk|鲜牛奶 950毫升|980|15.9|FLUID MILK PRODUCTS|FLUID MILK WHITE ONLY
chocolate-milk|巧克力牛奶 450毫升|470|9.9|FLUID MILK PRODUCTS|CHOCOLATE MILK
coffee-cream|咖啡奶 500毫升|520|15.9|FLUID MILK PRODUCTS|REFRIGERATED COFFEE CREAMERS
special-milk|低乳糖牛奶 950毫升|980|19.9|FLUID MILK PRODUCTS|MISCELLANEOUS MILK
yogurt|风味酸奶 单杯|135|4.9|YOGURT|YOGURT NOT MULTI-PACKS
yogurt-multipack|原味酸奶 8杯|800|22.9|YOGURT|YOGURT MULTI-PACKS
eggs-large|谷物鲜鸡蛋 12枚|680|15.9|EGGS|EGGS - LARGE
eggs-extra-large|散养土鸡蛋 30枚|1650|39.9|EGGS|EGGS - X-LARGE
eggs-medium|初产蛋 15枚|720|16.9|EGGS|EGGS - MEDIUM
shredded-cheese|马苏里拉芝士碎|227|24.9|CHEESE|SHREDDED CHEESE
cheese-slices|三明治芝士片|200|16.9|CHEESE|IWS SINGLE CHEESE
cheese-block|切达芝士块|227|29.9|CHEESE|NATURAL CHEESE EXACT WT CHUNKS
cream-cheese|奶油奶酪|227|22.9|CHEESE|CREAM CHEESE
natural-cheese-slices|天然芝士片|180|25.9|CHEESE|NATURAL CHEESE EXACT WT SLICES
string-cheese|手撕奶酪棒|200|27.9|CHEESE|STRING CHEESE
parmesan|帕玛森芝士粉|85|28.9|CHEESE|GRATED CHEESE
brie|布里奶酪|125|32.9|CHEESE|MISCELLANEOUS CHEESE
sour-cream|酸奶油|200|14.9|MILK BY-PRODUCTS|SOUR CREAMS
cottage-cheese|农家奶酪|250|18.9|MILK BY-PRODUCTS|COTTAGE CHEESE
yogurt-dip|希腊酸奶蘸酱|200|16.9|MILK BY-PRODUCTS|REFRIG DIPS
butter|黄油|227|26.9|BUTTER|BUTTER
margarine-tub|涂抹黄油|250|17.9|MARGARINES|MARGARINE: TUBS AND BOWLS
margarine-stick|烘焙黄油条|250|14.9|MARGARINES|MARGARINE  STICK
milk-pudding|双皮奶 4杯|480|18.9|MISC. DAIRY|REFRIGERATED PUDDING
soy-milk|鲜豆浆 1升|1030|9.9|REFRIGERATED|SOY/RICE MILK
orange-juice|NFC橙汁 1升|1050|22.9|REFRGRATD JUICES/DRNKS|DAIRY CASE 100% PURE JUICE - O
chilled-juice-drink|冷藏果汁 1升|1050|12.9|REFRGRATD JUICES/DRNKS|DAIRY CASE JUICE DRNK UNDER 10
chilled-fruit-drink|冷藏乳酸菌饮品|950|13.9|REFRGRATD JUICES/DRNKS|DAIRY CASE FRUIT DRINKS (NO JU
chilled-tea|冷泡茶 1升|1030|12.9|REFRGRATD JUICES/DRNKS|DAIRY CASE TEA WITH SUGAR OR S
citrus-punch|冷藏柚子汁 1升|1050|14.9|REFRGRATD JUICES/DRNKS|DAIRY CASE CITRUS PNCH/OJ SUBS
chilled-biscuit-dough|手抓饼面团|450|15.9|REFRGRATD DOUGH PRODUCTS|REFRIGERATED BISCUITS REGULAR
chilled-roll-dough|可颂面团|320|19.9|REFRGRATD DOUGH PRODUCTS|REFRIGERATED SPECILATY ROLLS
cookie-dough|曲奇面团|400|22.9|REFRGRATD DOUGH PRODUCTS|REFRIGERATED COOKIES-CHUB`,
  },
  {
    category: 'meat',
    nameZh: '冷鲜肉品',
    zone: 'chilled',
    shelfLifeDays: 9,
    minimumRemainingLifeDays: 3,
    litresPerKg: 1.3,
    rows: `
beef-brisket|牛腩|500|45.9|BEEF|PRIMAL
beef-steak|原切牛排|400|59.9|BEEF|CHOICE BEEF
lean-beef|牛里脊|400|49.9|BEEF|LEAN
beef-slices|火锅牛肉片|400|39.9|BEEF|SELECT BEEF
beef-patties|牛肉饼 4片|400|35.9|BEEF|PATTIES
angus-beef|谷饲西冷牛排|250|55.9|BEEF|ANGUS
stew-beef|炖煮牛肉块|500|42.9|BEEF|SOUP/STEW
grass-beef|草饲牛肉馅|400|36.9|BEEF|NATURAL BEEF
pork-loin|黑猪里脊|400|29.9|PORK|ENHANCED
pork-ribs|黑猪肋排|500|45.9|PORK|RIBS
chicken-breast|鸡胸肉|500|16.9|CHICKEN|CHICKEN BREAST BONELESS
chicken-breast-bone|带骨鸡胸|600|15.9|CHICKEN|CHICKEN BREAST BONE IN
chicken-drums|琵琶腿|600|17.9|CHICKEN|CHICKEN DRUMS
whole-chicken|三黄鸡 整只|1100|39.9|CHICKEN|WHOLE CHICKEN (ROASTERS/FRYER)
chicken-thighs|去骨鸡腿|500|19.9|CHICKEN|CHICKEN THIGHS
ground-turkey|火鸡肉馅|450|25.9|TURKEY|GROUND TURKEY
smoked-sausage|烟熏香肠|400|22.9|DINNER SAUSAGE|SMOKED/COOKED
fresh-sausage|台式鲜肉肠|400|24.9|DINNER SAUSAGE|FRESH
poultry-slices|鸡肉切片火腿|200|13.9|LUNCHMEAT|POULTRY
bologna|午餐肉切片|250|12.9|LUNCHMEAT|BOLOGNA
ham-slices|切片火腿|200|15.9|LUNCHMEAT|HAM
lunch-kit|轻食拼盘|260|19.9|LUNCHMEAT|LUNCH COMBO
salami|意式萨拉米|120|25.9|LUNCHMEAT|PEPPERONI/SALAMI
bacon|早餐培根|200|16.9|BACON|ECONOMY
bacon-premium|原切厚培根|250|29.9|BACON|PREMIUM
bacon-light|低盐培根|200|19.9|BACON|BETTER FOR YOU
hot-dogs|热狗肠|400|18.9|HOT DOGS|PREMIUM - MEAT
hot-dogs-economy|台湾烤肠 10根|500|19.9|HOT DOGS|ECONOMY - MEAT
breakfast-sausage|早餐肉肠|340|17.9|BREAKFAST SAUSAGE/SANDWICHES|ROLLS - PORK
breakfast-links|迷你早餐肠|280|16.9|BREAKFAST SAUSAGE/SANDWICHES|LINKS - RAW
ready-entree|红烧狮子头 即热|400|32.9|HEAT/SERVE|ENTREES
cooked-chicken|即食鸡胸 3袋|300|22.9|HEAT/SERVE|CHICKEN-FULLY COOKED
turkey-deli|烟熏火鸡胸|200|26.9|DELI MEATS|MEAT: TURKEY BULK
ham-deli|金华风味火腿|200|29.9|DELI MEATS|MEAT:HAM BULK
deli-lunchmeat|酱牛肉|250|35.9|DELI MEATS|MEAT: LUNCHMEAT BULK
dry-sausage|广式腊肠|300|32.9|DELI MEATS|MEAT: SAUS DRY BULK
deli-beef|卤牛腱|250|42.9|DELI MEATS|MEAT: BEEF BULK
deli-cheese|熟食柜芝士|200|28.9|CHEESES|CHEESE: NATURAL BULK
deli-salad|凉拌海带丝|300|12.9|SALADS/DIPS|VEGETABLE SALADS - PREPACK
salmon|冰鲜三文鱼|300|59.9|SEAFOOD-FRESH|SEAFOOD-FRE-SALMON`,
  },
  {
    category: 'frozen-meals',
    nameZh: '速冻美食',
    zone: 'frozen',
    shelfLifeDays: 270,
    minimumRemainingLifeDays: 60,
    litresPerKg: 1.8,
    rows: `
pork-dumplings|猪肉白菜水饺|1000|29.9|FRZN MEAT/MEAT DINNERS|SS ECONOMY ENTREES/DINNERS ALL
shrimp-wontons|虾仁馄饨|600|32.9|FRZN MEAT/MEAT DINNERS|FRZN SS PREMIUM ENTREES/DNRS/N
beef-rice-bowl|黑椒牛柳饭|350|19.9|FRZN MEAT/MEAT DINNERS|FRZN SS PREMIUM ENTREES/DNRS/T
family-hotpot|家庭装小酥肉|800|39.9|FRZN MEAT/MEAT DINNERS|FRZN MULTI SERVE ENTREES ALL
vegetarian-balls|素丸子|400|15.9|FRZN MEAT/MEAT DINNERS|FRZN MEAT ALTERNATIVES
chicken-nuggets|黄金鸡块|500|22.9|FROZEN MEAT|FRZN BREADED PREPARED CHICK
corn-dogs|热狗棒 8支|480|22.9|FROZEN MEAT|CORN DOGS
spring-rolls|春卷|400|17.9|FROZEN PIZZA|SNACKS/APPETIZERS
pizza-value|经典披萨 7寸|260|15.9|FROZEN PIZZA|PIZZA/ECONOMY
steamed-buns|速冻肉包 12个|720|26.9|FROZEN PIZZA|SANDWICHES&HANDHELDS
pizza|意式披萨 9寸|420|29.9|FROZEN PIZZA|PIZZA/TRADITIONAL
pizza-premium|芝士卷边披萨 10寸|560|42.9|FROZEN PIZZA|PIZZA/PREMIUM
burritos|鸡肉卷 5支|500|26.9|FROZEN PIZZA|BURRITOS
pizza-single|一人披萨|180|12.9|FROZEN PIZZA|PIZZA/SINGLE SERVE/MICROWAVE
frozen-vegetables|速冻混合蔬菜|500|9.9|FRZN VEGETABLE/VEG DSH|FRZN BAGGED VEGETABLES - PLAIN
frozen-vegetable-dish|速冻毛豆|500|11.9|FRZN VEGETABLE/VEG DSH|FRZN BOXED VEGETABLES- VALUE A
frozen-stir-fry|速冻炒菜包|450|13.9|FRZN VEGETABLE/VEG DSH|FRZN BAGGED VEGETABLES- VALUE
frozen-spinach|速冻菠菜|400|9.9|FRZN VEGETABLE/VEG DSH|FRZN BOXED VEGETABLES - PLAIN
french-fries|速冻薯条|750|16.9|FRZN POTATOES|FRZN FRENCH FRIES
tater-tots|薯饼|600|17.9|FRZN POTATOES|FRZN TATER TOTS/OTHER EXTRUDED
waffles|葱油饼 10片|900|19.9|FRZN BREAKFAST FOODS|WAFFLES/PANCAKES/FRENCH TOAST
breakfast-sandwich|早餐汉堡 4个|480|28.9|FRZN BREAKFAST FOODS|FRZN BREAKFAST ENTREES/SANDWIC
frozen-pastry|速冻蛋挞 12枚|400|25.9|FRZN BREAKFAST FOODS|FRZN BREAKFAST PASTRY
garlic-bread|蒜香面包|350|16.9|FROZEN BREAD/DOUGH|FRZN GARLIC BREAD/TOAST/STICKS
fruit-pie|榴莲酥|400|35.9|FROZEN PIE/DESSERTS|FROZEN FRUIT PIES  & COBBLERS
whipped-topping|冷冻奶油|250|14.9|FROZEN PIE/DESSERTS|FRZN WHIPPED TOPPING
frozen-fruit|冷冻芒果块|500|22.9|FRZN FRUITS|FROZEN FRUIT
frozen-chicken-breast|单冻鸡胸 1公斤|1000|29.9|MEAT - MISC|BREAST - BONELESS(IQF)
frozen-patties|冷冻牛肉饼|600|38.9|MEAT - MISC|GRND/PATTY - FROZEN
chicken-wings|单冻鸡翅中|800|45.9|MEAT - MISC|WINGS (IQF)`,
  },
  {
    category: 'ice-cream',
    nameZh: '冰淇淋',
    zone: 'frozen',
    shelfLifeDays: 360,
    minimumRemainingLifeDays: 90,
    litresPerKg: 2.2,
    rows: `
ice-cream-tub|香草冰淇淋 家庭桶|900|39.9|ICE CREAM/MILK/SHERBTS|PREMIUM
ice-cream|牛奶冰淇淋 1升|560|25.9|ICE CREAM/MILK/SHERBTS|TRADITIONAL
ice-cream-pint|海盐焦糖冰淇淋|400|32.9|ICE CREAM/MILK/SHERBTS|PREMIUM PINTS
gelato|手工意式冰淇淋|400|45.9|ICE CREAM/MILK/SHERBTS|SUPER PREMIUM PINTS
ice-cream-bars|脆皮雪糕 6支|420|27.9|FRZN NOVELTIES/WTR ICE|STICKS/ENROBED
ice-lollies|水果冰棍 10支|700|19.9|FRZN NOVELTIES/WTR ICE|WATER ICE
ice-cream-sandwich|三明治雪糕 6支|450|25.9|FRZN NOVELTIES/WTR ICE|ICE CREAM SANDWICHES
ice-cream-cones|甜筒 6支|480|29.9|FRZN NOVELTIES/WTR ICE|CONES`,
  },
  {
    category: 'frozen-seafood',
    nameZh: '冷冻水产',
    zone: 'frozen',
    shelfLifeDays: 360,
    minimumRemainingLifeDays: 90,
    litresPerKg: 1.5,
    rows: `
fish-fillets|巴沙鱼柳|600|29.9|SEAFOOD - FROZEN|SEAFOOD-FRZ-RAW FILLETS
fish-sticks|鳕鱼条|400|25.9|SEAFOOD - FROZEN|FRZN BRD STICK/PORTON
raw-shrimp|青虾仁|400|45.9|SEAFOOD - FROZEN|SEAFOOD-FRZ-IQF RAW SHRIMP RW
cooked-shrimp|熟冻北极虾|500|55.9|SEAFOOD - FROZEN|SEAFOOD-FRZ-IQF COOKED SHRIMP
breaded-shrimp|面包虾|250|26.9|SEAFOOD - FROZEN|SEAFOOD-FRZ-BRD SHRIMP`,
  },
  {
    category: 'bakery',
    nameZh: '现烤短保',
    zone: 'special',
    shelfLifeDays: 3,
    minimumRemainingLifeDays: 1,
    litresPerKg: 4,
    handling: ['shortLife'],
    rows: `
donuts|现烤甜甜圈 6枚|330|22.9|BREAKFAST SWEETS|SW GDS:DONUTS
danish|丹麦酥|220|16.9|BREAKFAST SWEETS|SW GDS: SW ROLLS/DAN
baguette|法棍|280|12.9|BREAD|BREAD:ITALIAN/FRENCH
sourdough|天然酵母欧包|420|22.9|BREAD|BREAD:SAVORY/SPECIALTY
dinner-rolls|小餐包 8个|320|14.9|ROLLS|ROLLS: DINNER
sandwich-rolls|牛角三明治胚|300|13.9|ROLLS|ROLLS: SANDWICH
fresh-cookies|现烤曲奇|250|19.9|COOKIES|COOKIES: REGULAR
novelty-cake|动物奶油小蛋糕|450|49.9|CAKES|CAKES: NOVELTIES
fruit-tart|水果塔|350|35.9|PIES|PIES: FRUIT/NUT
roast-chicken|现烤全鸡|900|39.9|CHICKEN/POULTRY|CHIX: ROTISSERIE (HOT)
hot-sides|现做卤味拼盘|400|29.9|PREPARED FOOD|PREP FD: SIDE DISHES (HOT)
sushi|现做寿司|300|36.9|SUSHI|SUSHI - IN STORE PREPARED
cut-fruit-cup|现切水果杯|450|19.9|SALAD BAR|SALAD BAR FRESH FRUIT
cut-fruit-box|现切果盒 家庭装|900|36.9|VALUE ADDED FRUIT|INSTORE CUT FRUIT`,
  },
  {
    category: 'live-seafood',
    nameZh: '鲜活水产',
    zone: 'special',
    shelfLifeDays: 2,
    minimumRemainingLifeDays: 1,
    litresPerKg: 3,
    handling: ['live'],
    rows: `
live-bass|鲜活鲈鱼|600|39.9|SEAFOOD-FRESH|SEAFOOD-FRE-RAW FINFISH-OTHER
live-clams|鲜活花蛤|1000|16.9|SEAFOOD-FRESH|SEAFOOD-FRE-LIVE SHLFSH-OTHER
live-shrimp|鲜活基围虾|500|49.9|SEAFOOD-FRESH|SEAFOOD-FRE-NON RW-ALL`,
  },
];
