"""The product lines of the invented retailer, from which the 500 products are made.

Brands and products are invented. A line is one thing by one brand; its variant
set gives one product for each size or color.
"""

from typing import NamedTuple


class Shelf(NamedTuple):
    """Where a kind of product belongs: in the category tree and on the floor plan."""

    category: str
    shelf_area: str
    aisle: int


class Line(NamedTuple):
    """One thing by one brand, sold in the variants of a set."""

    brand: str
    thing: str
    shelf: Shelf
    base_minor: int
    variants: tuple[tuple[str, int], ...]
    """Label of each variant and its price above the base, in percent."""


SHELVES = {
    "kettles": Shelf("Kitchen > Kettles", "Hot drinks", 1),
    "coffee": Shelf("Kitchen > Coffee & Tea", "Hot drinks", 1),
    "cookware": Shelf("Kitchen > Cookware", "Cookware", 2),
    "bakeware": Shelf("Kitchen > Bakeware", "Bakeware", 3),
    "knives": Shelf("Kitchen > Knives", "Knives & prep", 3),
    "prep": Shelf("Kitchen > Prep Tools", "Knives & prep", 4),
    "tableware": Shelf("Kitchen > Tableware", "Tableware", 5),
    "glassware": Shelf("Kitchen > Glassware", "Tableware", 5),
    "pantry": Shelf("Kitchen > Food Storage", "Food storage", 6),
    "bedding": Shelf("Home > Bedding", "Bedding", 7),
    "bath": Shelf("Home > Bath", "Bath", 8),
    "lighting": Shelf("Home > Lighting", "Lighting", 9),
    "soft": Shelf("Home > Cushions & Throws", "Soft furnishings", 9),
    "storage": Shelf("Home > Storage", "Storage", 10),
    "candles": Shelf("Home > Candles", "Candles & gifts", 10),
    "laundry": Shelf("Home > Laundry & Cleaning", "Laundry", 11),
    "tents": Shelf("Outdoor > Tents & Shelters", "Camping", 12),
    "sleep": Shelf("Outdoor > Sleeping Bags & Mats", "Camping", 12),
    "packs": Shelf("Outdoor > Packs & Bags", "Packs", 13),
    "camp": Shelf("Outdoor > Camp Kitchen", "Camp kitchen", 14),
    "bottles": Shelf("Outdoor > Bottles & Flasks", "Camp kitchen", 14),
    "lamps": Shelf("Outdoor > Headlamps & Lanterns", "Camping", 13),
    "garden": Shelf("Outdoor > Garden Tools", "Garden", 15),
    "planters": Shelf("Outdoor > Planters", "Garden", 15),
    "grill": Shelf("Outdoor > Grilling", "Grilling", 16),
    "tops": Shelf("Apparel > Tops", "Apparel", 17),
    "bottoms": Shelf("Apparel > Bottoms", "Apparel", 18),
    "outer": Shelf("Apparel > Jackets", "Outerwear", 19),
    "socks": Shelf("Apparel > Socks", "Apparel accessories", 20),
    "hats": Shelf("Apparel > Hats & Gloves", "Apparel accessories", 20),
    "shoes": Shelf("Apparel > Footwear", "Footwear", 21),
}

_VARIANT_SETS = {
    "one": "",
    "kettle": "0.8 L Black:0, 0.8 L Steel:0, 1.2 L Black:15, 1.2 L Steel:15",
    "brew": "3-Cup:0, 6-Cup:25, 9-Cup:50",
    "pan": "20 cm:0, 24 cm:15, 28 cm:30, 32 cm:50",
    "pot": "2 L:0, 3.5 L:20, 5 L:40",
    "dutch": "4 L Slate:0, 4 L Rust:0, 6 L Slate:25, 6 L Rust:25",
    "tin": "Small:0, Medium:20, Large:40",
    "blade": "12 cm:0, 16 cm:20, 20 cm:35",
    "tool": "Black:0, Sage:0, Brick:0",
    "plate": "White:0, Sand:0, Ink Blue:0, Moss:0",
    "set": "Set of 2:0, Set of 4:90, Set of 6:170",
    "jar": "0.5 L:0, 1 L:30, 2 L:70",
    "sheet": "Twin White:0, Twin Fog:0, Queen White:35, Queen Fog:35, King White:55, King Fog:55",
    "towel": "Hand White:-40, Hand Clay:-40, Bath White:0, Bath Clay:0, Sheet White:50",
    "lamp": "Brass:0, Black:0, Chalk:-5",
    "soft": "Oat:0, Rust:0, Forest:0, Ink Blue:0",
    "basket": "Small:0, Medium:35, Large:70",
    "scent": "Fig & Cedar:0, Sea Salt:0, Orange Peel:0, Woodsmoke:0",
    "tent": "2-Person:0, 3-Person:25, 4-Person:50",
    "bag": "Regular:0, Long:10",
    "pack": "18 L Black:0, 18 L Moss:0, 28 L Black:30, 28 L Moss:30",
    "bottle": "500 ml Black:0, 500 ml Sky:0, 750 ml Black:20, 750 ml Sky:20, 1 L Black:35",
    "camp": "Solo:0, Duo:40",
    "pair": "Standard:0, Long Handle:25",
    "planter": "15 cm Terracotta:0, 15 cm Gray:0, 25 cm Terracotta:60, 25 cm Gray:60",
    "shirt": "S Oat:0, M Oat:0, L Oat:0, XL Oat:0, S Navy:0, M Navy:0, L Navy:0, XL Navy:0",
    "trouser": "30x32 Olive:0, 32x32 Olive:0, 34x32 Olive:0, 30x32 Coal:0, 32x32 Coal:0,"
    " 34x32 Coal:0",
    "coat": "S Coal:0, M Coal:0, L Coal:0, S Pine:0, M Pine:0, L Pine:0",
    "sock": "S Gray:0, M Gray:0, L Gray:0, M Rust:0",
    "hat": "Gray:0, Navy:0, Mustard:0",
    "glove": "S:0, M:0, L:0",
    "shoe": "US 7:0, US 8:0, US 9:0, US 10:0, US 11:0",
}

_LINES = """
Marrowick; Gooseneck Kettle; kettles; 4900; kettle
Marrowick; Stovetop Whistling Kettle; kettles; 3600; tool
Copperfen; Electric Kettle; kettles; 5900; kettle
Copperfen; Variable-Heat Kettle 1.5 L; kettles; 8900; lamp
Marrowick; Stovetop Espresso Pot; coffee; 2800; brew
Marrowick; Pour-Over Dripper; coffee; 2200; plate
Copperfen; French Press; coffee; 3400; brew
Copperfen; Burr Coffee Grinder; coffee; 11900; one
Ostermill; Loose-Leaf Teapot; coffee; 3200; plate
Ostermill; Paper Coffee Filters, 100 ct; coffee; 700; one
Copperfen; Milk Frother; coffee; 2600; tool
Varnholt; Carbon Steel Skillet; cookware; 3900; pan
Varnholt; Nonstick Frying Pan; cookware; 3400; pan
Varnholt; Ridged Grill Pan; cookware; 4200; pan
Varnholt; Cast Iron Dutch Oven; cookware; 9800; dutch
Varnholt; Stainless Saucepan; cookware; 4400; pot
Brindleway; Tri-Ply Stock Pot; cookware; 7200; pot
Brindleway; Steamer Insert; cookware; 2100; tin
Brindleway; Splatter Screen; cookware; 1400; one
Varnholt; Wok with Lid 30 cm; cookware; 5600; one
Ostermill; Loaf Tin; bakeware; 1500; tin
Ostermill; Springform Pan; bakeware; 1900; tin
Ostermill; Rimmed Baking Sheet; bakeware; 1800; tin
Ostermill; Cooling Rack; bakeware; 1300; one
Nettlewane; Silicone Baking Mat; bakeware; 1200; tin
Nettlewane; Stoneware Pie Dish; bakeware; 2600; plate
Wexling; Chef's Knife; knives; 5400; blade
Wexling; Santoku Knife; knives; 5200; blade
Wexling; Bread Knife 22 cm; knives; 3900; one
Wexling; Paring Knife 9 cm; knives; 1900; tool
Wexling; Whetstone 1000/3000; knives; 3300; one
Wexling; Magnetic Knife Rack; knives; 2900; tin
Wexling; Kitchen Shears; knives; 2200; tool
Nettlewane; Silicone Spatula; prep; 900; tool
Nettlewane; Slotted Spoon; prep; 1000; tool
Nettlewane; Box Grater; prep; 1700; one
Nettlewane; Vegetable Peeler; prep; 800; tool
Nettlewane; Mixing Bowl; prep; 1600; jar
Brindleway; End-Grain Cutting Board; prep; 4200; tin
Brindleway; Digital Kitchen Scale; prep; 2700; tool
Brindleway; Probe Thermometer; prep; 2400; one
Quillfen; Stoneware Dinner Plate; tableware; 1300; plate
Quillfen; Stoneware Side Plate; tableware; 900; plate
Quillfen; Stoneware Pasta Bowl; tableware; 1200; plate
Quillfen; Stoneware Mug 350 ml; tableware; 1000; plate
Quillfen; Stoneware Serving Bowl; tableware; 2900; plate
Quillfen; Oak Serving Tray; tableware; 3400; tin
Quillfen; Linen Napkins; tableware; 1400; set
Glimmerby; Tumbler 300 ml; glassware; 1200; set
Glimmerby; Stemmed Wine Glass; glassware; 1600; set
Glimmerby; Carafe 1 L; glassware; 2300; one
Glimmerby; Highball Glass; glassware; 1300; set
Nettlewane; Clip-Top Glass Jar; pantry; 700; jar
Nettlewane; Airtight Canister; pantry; 1400; jar
Nettlewane; Beeswax Food Wrap; pantry; 1500; tin
Brindleway; Stackable Lunch Box; pantry; 1900; tool
Thistlebarn; Percale Sheet Set; bedding; 6900; sheet
Thistlebarn; Linen Duvet Cover; bedding; 12900; sheet
Thistlebarn; Jersey Fitted Sheet; bedding; 3400; sheet
Thistlebarn; Quilted Coverlet; bedding; 9900; soft
Thistlebarn; Down-Alternative Pillow; bedding; 2900; tin
Larkspindle; Waffle Cotton Towel; bath; 2400; towel
Larkspindle; Plush Cotton Towel; bath; 2800; towel
Larkspindle; Bath Mat; bath; 2600; soft
Larkspindle; Shower Curtain; bath; 3200; hat
Larkspindle; Soap Dispenser; bath; 1600; plate
Glimmerby; Swing-Arm Desk Lamp; lighting; 5900; lamp
Glimmerby; Paper Table Lamp; lighting; 4400; one
Glimmerby; Pharmacy Floor Lamp; lighting; 11900; lamp
Glimmerby; LED Bulb 8 W Warm; lighting; 600; one
Thistlebarn; Wool Throw; soft; 7400; soft
Thistlebarn; Linen Cushion 45 cm; soft; 3200; soft
Thistlebarn; Boucle Cushion 50 cm; soft; 3900; soft
Thistlebarn; Velvet Cushion 45 cm; soft; 3600; soft
Dunnockby; Seagrass Basket; storage; 1900; basket
Dunnockby; Felt Storage Bin; storage; 1600; basket
Dunnockby; Under-Bed Box; storage; 2900; one
Dunnockby; Wall Hook Rail; storage; 2400; lamp
Dunnockby; Stacking Shoe Rack; storage; 3400; one
Cindermoss; Soy Candle 220 g; candles; 1900; scent
Cindermoss; Reed Diffuser 120 ml; candles; 2600; scent
Cindermoss; Room Spray 100 ml; candles; 1500; scent
Cindermoss; Taper Candles 25 cm; candles; 1000; hat
Dunnockby; Canvas Laundry Hamper; laundry; 3900; hat
Dunnockby; Folding Drying Rack; laundry; 4400; one
Dunnockby; Dustpan & Brush; laundry; 1500; tool
Dunnockby; Cotton Dishcloths, 5 ct; laundry; 1100; one
Tarnmoor; Ridgeline Tent; tents; 22900; tent
Tarnmoor; Lakeside Tunnel Tent; tents; 32900; tent
Tarnmoor; Tarp Shelter 3 x 3 m; tents; 6900; one
Tarnmoor; Steel Tent Pegs, 10 ct; tents; 1200; one
Tarnmoor; Down Sleeping Bag -5 C; sleep; 24900; bag
Tarnmoor; Synthetic Sleeping Bag +5 C; sleep; 9900; bag
Tarnmoor; Insulated Sleeping Mat; sleep; 8900; bag
Tarnmoor; Camp Pillow; sleep; 2400; tool
Peltrow; Daypack; packs; 6900; pack
Peltrow; Roll-Top Pack; packs; 8900; pack
Peltrow; Trail Waist Pack; packs; 3400; hat
Peltrow; Duffel 45 L; packs; 9400; hat
Peltrow; Dry Bag; packs; 1600; tin
Rookstead; Titanium Cook Pot; camp; 4900; camp
Rookstead; Gas Camp Stove; camp; 5400; one
Rookstead; Folding Cutlery Set; camp; 1800; tool
Rookstead; Enamel Camp Mug; camp; 1100; plate
Rookstead; Camp Table; camp; 7900; one
Rookstead; Fire Striker; camp; 1300; one
Kestrelby; Insulated Bottle; bottles; 2900; bottle
Kestrelby; Trail Bottle; bottles; 1500; bottle
Kestrelby; Wide-Mouth Flask; bottles; 3300; bottle
Kestrelby; Travel Mug 400 ml; bottles; 2400; plate
Rookstead; Headlamp 400 lm; lamps; 3900; tool
Rookstead; Rechargeable Lantern; lamps; 4900; tool
Yarrowden; Hand Trowel; garden; 1700; pair
Yarrowden; Bypass Pruner; garden; 2900; tin
Yarrowden; Digging Spade; garden; 4400; pair
Yarrowden; Watering Can 7 L; garden; 3200; tool
Yarrowden; Garden Kneeler; garden; 2100; one
Yarrowden; Jute Twine 100 m; garden; 600; one
Yarrowden; Seed Starting Tray; garden; 1200; one
Yarrowden; Glazed Planter; planters; 1800; planter
Yarrowden; Ribbed Planter; planters; 1600; planter
Yarrowden; Hanging Planter; planters; 2000; planter
Cindermoss; Kettle Grill 47 cm; grill; 15900; tool
Cindermoss; Chimney Starter; grill; 2400; one
Cindermoss; Grill Tongs; grill; 1700; pair
Cindermoss; Hardwood Charcoal 4 kg; grill; 1500; one
Cindermoss; Grill Brush; grill; 1300; one
Bramblecoot; Organic Cotton Tee; tops; 2400; shirt
Bramblecoot; Flannel Shirt; tops; 5400; shirt
Bramblecoot; Merino Crew; tops; 8400; shirt
Bramblecoot; Linen Camp Shirt; tops; 4900; shirt
Oddlark; Long-Sleeve Base Layer; tops; 4400; shirt
Oddlark; Fleece Half-Zip; tops; 6400; shirt
Oddlark; Trail Trousers; bottoms; 7900; trouser
Bramblecoot; Canvas Chinos; bottoms; 6400; trouser
Bramblecoot; Corduroy Trousers; bottoms; 6900; trouser
Oddlark; Rain Jacket; outer; 12900; coat
Oddlark; Packable Windbreaker; outer; 7900; coat
Oddlark; Insulated Vest; outer; 8900; coat
Oddlark; Waxed Chore Coat; outer; 14900; coat
Bramblecoot; Hiking Socks; socks; 1600; sock
Bramblecoot; Everyday Socks; socks; 1000; sock
Oddlark; Ribbed Beanie; hats; 2200; hat
Oddlark; Sun Hat; hats; 3200; hat
Oddlark; Fleece Gloves; hats; 2400; glove
Oddlark; Work Gloves; hats; 1900; glove
Peltrow; Camp Clog; shoes; 4900; shoe
Peltrow; Trail Shoe; shoes; 10900; shoe
Peltrow; Felt House Slipper; shoes; 3900; shoe
Peltrow; Garden Boot; shoes; 6900; shoe
"""
"""Brand; thing; key of `SHELVES`; base price in cents; key of `_VARIANT_SETS`."""


def product_lines() -> list[Line]:
    """Return the product lines in catalog order."""
    return [_line(text) for text in _LINES.strip().splitlines()]


def _line(text: str) -> Line:
    brand, thing, shelf, base_minor, variant_set = text.split("; ")
    return Line(brand, thing, SHELVES[shelf], int(base_minor), _variants(variant_set))


def _variants(variant_set: str) -> tuple[tuple[str, int], ...]:
    texts = _VARIANT_SETS[variant_set] or ":0"
    pairs = (text.strip().rsplit(":", 1) for text in texts.split(","))
    return tuple((label, int(percent)) for label, percent in pairs)
