"""A small utility as the files that a new one sends, in the order of their import."""

FILES = {
    "units": """code,name,kind,parent,valid_from
LU,Lumen,utility,,2020-01-01
LU-N,North,branch,LU,2020-01-01
LU-N-1,Alder,team,LU-N,2020-01-01
""",
    "nodes": """service,kind,code,name,parent,valid_from,latitude,longitude,band,supply_hours_day
electricity,source,E-S,Source,,2020-01-01,,,,
electricity,feeder,E-F1,Feeder 1,E-S,2020-01-01,44.95,34.11,A,20
electricity,transformer,E-T1,Transformer 1,E-F1,2020-01-01,44.952,34.112,,
electricity,building,E-B7,Gorky 7,E-T1,2020-01-01,44.953,34.113,,
electricity,entrance,E-B7-1,Entrance 1,E-B7,2020-01-01,,,,
cold_water,source,W-S,Well,,2020-01-01,,,,
""",
    "customers": """kind,name,tax_country,tax_number,phone,email,language
person,Anna Petrova,ru,500100732259,+7 978 0000001,anna@example.org,ru
organisation,Sberbank,ru,7707083893,,,ru
""",
    "accounts": """number,kind,name,tax_country,tax_number,phone,organisation,opened_on
0310000016,person,Anna Petrova,ru,500100732259,,LU-N-1,2020-01-01
0310000023,organisation,Sberbank,ru,7707083893,,LU-N-1,2020-01-01
,person,Chen Wei,,,+7 978 0000003,LU-N,2020-01-01
""",
    "premises": """city,street,house,entrance,flat,latitude,longitude,kind,residents,rooms,\
floor_area_m2,location,cooker,valid_from
Lumen,Gorky,7,1,1,44.953,34.113,flat,2,2,54.2,urban,gas,2020-01-01
Lumen,Gorky,7,1,2,44.953,34.113,flat,0,4,120,urban,electric,2020-01-01
""",
    "points": """code,city,street,house,entrance,flat,service,node,connected_on
P-1-E,Lumen,Gorky,7,1,1,electricity,E-B7-1,2020-01-01
P-1-W,Lumen,Gorky,7,1,1,cold_water,W-S,2020-01-01
P-2-E,Lumen,Gorky,7,1,2,electricity,E-B7-1,2020-01-01
""",
    "agreements": """account,service_point,tariff,provider,category,contract_number,valid_from
0310000016,P-1-E,power-2020,power,household,2020/1,2020-01-01
0310000016,P-1-W,water-2020,water,household,2020/1,2020-01-01
0310000023,P-2-E,power-2020,power,commercial,2020/2,2020-01-01
""",
    "meters": """serial,model,zones,digits,decimals,multiplier,service_point,installed_from,opening,seal_number
E-1,Model X,total,5,,1,P-1-E,2021-01-01,100,S-1
W-1,Model W,total,5,3,1,P-1-W,2021-01-01,12.345,S-2
E-2,Model Z,day night,6,1,20,P-2-E,2021-01-01,1000.5 700,S-3
""",
    "officers": """account,officer,valid_from
0310000016,olga,2020-01-01
0310000023,olga,2020-01-01
""",
}
"""The files by kind. They name the user olga, the parties power and water and the tariffs power-2020 and water-2020."""
