//! The public regions of the four clouds, for labels and for the check that a region exists (domain 1.2).
//!
//! One text per cloud: a fat pointer per word would weigh more in the browser than the words.

use super::{CloudName, location::Provider};

/// A region of a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    pub provider: Provider,
    /// What stands in a cloud name after the provider; UpCloud's first zones go without their 1.
    pub name: &'static str,
    pub country: &'static str,
    pub place: &'static str,
}

impl Region {
    /// "Belgium - Google Cloud: Belgium".
    pub fn label(&self) -> String {
        format!("{} - {}: {}", self.country, self.provider, self.place)
    }

    pub fn cloud(&self) -> CloudName {
        format!("{}-{}", self.provider.as_str(), self.name).parse().expect("a region of the catalogue")
    }
}

/// Every region of a provider, by country and place; none for local places.
pub fn regions(provider: Provider) -> impl Iterator<Item = Region> {
    let text = match provider {
        Provider::Aws => AWS,
        Provider::Google => GOOGLE,
        Provider::Azure => AZURE,
        Provider::UpCloud => UPCLOUD,
        Provider::Local => "",
    };
    text.lines().filter_map(move |line| {
        let (name, rest) = line.split_once(' ')?;
        let (country, place) = rest.split_once('|').unwrap_or((rest, rest));
        Some(Region { provider, name, country, place })
    })
}

/// A region by its name, or by what the provider's own API calls it.
pub fn find(provider: Provider, name: &str) -> Option<Region> {
    let zone = if provider == Provider::UpCloud { name.strip_suffix('1').unwrap_or(name) } else { name };
    regions(provider).find(|region| region.name == zone)
}

/// Lines of `region country|place`; a country alone is its own place.
const AWS: &str = "ap-southeast-2 Australia|Sydney
ap-southeast-4 Australia|Melbourne
me-south-1 Bahrain
sa-east-1 Brazil|São Paulo
ca-central-1 Canada|Montreal
ca-west-1 Canada|Calgary
eu-west-3 France|Paris
eu-central-1 Germany|Frankfurt
ap-east-1 Hong Kong
ap-south-1 India|Mumbai
ap-south-2 India|Hyderabad
ap-southeast-3 Indonesia|Jakarta
eu-west-1 Ireland
il-central-1 Israel|Tel Aviv
eu-south-1 Italy|Milan
ap-northeast-1 Japan|Tokyo
ap-northeast-3 Japan|Osaka
ap-southeast-5 Malaysia
mx-central-1 Mexico|Querétaro
ap-southeast-6 New Zealand|Auckland
ap-southeast-1 Singapore
af-south-1 South Africa|Cape Town
ap-northeast-2 South Korea|Seoul
eu-south-2 Spain|Aragón
eu-north-1 Sweden|Stockholm
eu-central-2 Switzerland|Zurich
ap-east-2 Taiwan|Taipei
ap-southeast-7 Thailand|Bangkok
me-central-1 United Arab Emirates
eu-west-2 United Kingdom|London
us-east-1 United States|N. Virginia
us-east-2 United States|Ohio
us-west-1 United States|N. California
us-west-2 United States|Oregon
";

const GOOGLE: &str = "australia-southeast1 Australia|Sydney
australia-southeast2 Australia|Melbourne
europe-west1 Belgium
southamerica-east1 Brazil|São Paulo
northamerica-northeast1 Canada|Montréal
northamerica-northeast2 Canada|Toronto
southamerica-west1 Chile|Santiago
europe-north1 Finland|Hamina
europe-west9 France|Paris
europe-west3 Germany|Frankfurt
europe-west10 Germany|Berlin
asia-east2 Hong Kong
asia-south1 India|Mumbai
asia-south2 India|Delhi
asia-southeast2 Indonesia|Jakarta
me-west1 Israel|Tel Aviv
europe-west8 Italy|Milan
europe-west12 Italy|Turin
asia-northeast1 Japan|Tokyo
asia-northeast2 Japan|Osaka
northamerica-south1 Mexico|Querétaro
europe-west4 Netherlands|Eemshaven
europe-central2 Poland|Warsaw
me-central1 Qatar|Doha
me-central2 Saudi Arabia|Dammam
asia-southeast1 Singapore
africa-south1 South Africa|Johannesburg
asia-northeast3 South Korea|Seoul
europe-southwest1 Spain|Madrid
europe-north2 Sweden|Stockholm
europe-west6 Switzerland|Zurich
asia-east1 Taiwan|Changhua
europe-west2 United Kingdom|London
us-central1 United States|Iowa
us-east1 United States|South Carolina
us-east4 United States|N. Virginia
us-east5 United States|Columbus
us-south1 United States|Dallas
us-west1 United States|Oregon
us-west2 United States|Los Angeles
us-west3 United States|Salt Lake City
us-west4 United States|Las Vegas
";

const AZURE: &str = "australiaeast Australia|New South Wales
australiasoutheast Australia|Victoria
australiacentral Australia|Canberra
austriaeast Austria|Vienna
belgiumcentral Belgium|Brussels
brazilsouth Brazil|São Paulo
canadacentral Canada|Toronto
canadaeast Canada|Quebec
chilecentral Chile|Santiago
francecentral France|Paris
francesouth France|Marseille
germanywestcentral Germany|Frankfurt
germanynorth Germany|Berlin
eastasia Hong Kong
centralindia India|Pune
southindia India|Chennai
westindia India|Mumbai
indonesiacentral Indonesia|Jakarta
northeurope Ireland
israelcentral Israel
italynorth Italy|Milan
japaneast Japan|Tokyo
japanwest Japan|Osaka
malaysiawest Malaysia|Kuala Lumpur
mexicocentral Mexico|Querétaro
westeurope Netherlands
newzealandnorth New Zealand|Auckland
norwayeast Norway|Oslo
norwaywest Norway|Stavanger
polandcentral Poland|Warsaw
qatarcentral Qatar|Doha
southeastasia Singapore
southafricanorth South Africa|Johannesburg
southafricawest South Africa|Cape Town
koreacentral South Korea|Seoul
koreasouth South Korea|Busan
spaincentral Spain|Madrid
swedencentral Sweden|Gävle
switzerlandnorth Switzerland|Zurich
switzerlandwest Switzerland|Geneva
uaenorth United Arab Emirates|Dubai
uaecentral United Arab Emirates|Abu Dhabi
uksouth United Kingdom|London
ukwest United Kingdom|Cardiff
eastus United States|Virginia
eastus2 United States|Virginia 2
centralus United States|Iowa
northcentralus United States|Illinois
southcentralus United States|Texas
westcentralus United States|Wyoming
westus United States|California
westus2 United States|Washington
westus3 United States|Arizona
";

const UPCLOUD: &str = "au-syd Australia|Sydney
dk-cph Denmark|Copenhagen
fi-hel Finland|Helsinki
fi-hel2 Finland|Helsinki 2
de-fra Germany|Frankfurt
nl-ams Netherlands|Amsterdam
no-svg Norway|Stavanger
pl-waw Poland|Warsaw
sg-sin Singapore
es-mad Spain|Madrid
se-sto Sweden|Stockholm
uk-lon United Kingdom|London
us-chi United States|Chicago
us-nyc United States|New York
us-sjo United States|San Jose
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_region_is_a_location_that_is_found_again_and_is_there_once() {
        for provider in Provider::CLOUDS {
            let mut seen = BTreeSet::new();
            for region in regions(provider) {
                let cloud = region.cloud();
                assert_eq!(cloud.catalogued(), Some(region), "{cloud}");
                assert!(!region.country.is_empty() && !region.place.is_empty(), "{cloud}");
                assert!(seen.insert(cloud.to_string()), "{cloud} is listed twice");
                assert!(seen.insert(region.label()), "{} is listed twice", region.label());
            }
        }
    }

    #[test]
    fn the_four_clouds_are_listed_whole() {
        let counts = Provider::CLOUDS.map(|provider| regions(provider).count());
        assert_eq!(counts, [34, 42, 53, 15]);
        assert_eq!(regions(Provider::Local).count(), 0);
    }
}
