use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

fn judge(address: IpAddr, allow: &[&str]) -> Result<(), Blocked> {
    let allow: Vec<_> = allow.iter().map(|&text| text.to_owned()).collect();
    verdict(address, "host.example", 443, &AllowList::parse(&allow).unwrap())
}

/// An IPv4 address in every IPv6 form that a device on the way may read it out of.
fn embeddings(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = v4.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    vec![
        v4.to_ipv6_mapped(),
        v4.to_ipv6_compatible(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, high, u16::from(c), u16::from(d) << 8, 0, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, u16::from(a), u16::from(b), low, 0, 0),
        Ipv6Addr::new(
            0x64,
            0xff9b,
            1,
            0,
            u16::from(a),
            u16::from_be_bytes([b, c]),
            u16::from(d) << 8,
            0,
        ),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0xf7f7, 0xf7f7),
        Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0, !high, !low),
        Ipv6Addr::new(0x2606, 1, 2, 3, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2606, 1, 2, 3, 0x200, 0x5efe, high, low),
    ]
}

/// The first and the last address of each blocked range, and the public neighbour on either side where there is one.
const EDGES: [(&str, &str, Option<&str>, Option<&str>); 15] = [
    ("0.0.0.0", "0.255.255.255", None, Some("1.0.0.0")),
    ("10.0.0.0", "10.255.255.255", Some("9.255.255.255"), Some("11.0.0.0")),
    ("100.64.0.0", "100.127.255.255", Some("100.63.255.255"), Some("100.128.0.0")),
    ("127.0.0.0", "127.255.255.255", Some("126.255.255.255"), Some("128.0.0.0")),
    ("169.254.0.0", "169.254.255.255", Some("169.253.255.255"), Some("169.255.0.0")),
    ("172.16.0.0", "172.31.255.255", Some("172.15.255.255"), Some("172.32.0.0")),
    ("192.0.0.0", "192.0.0.255", Some("191.255.255.255"), Some("192.0.1.0")),
    ("192.0.2.0", "192.0.2.255", Some("192.0.1.255"), Some("192.0.3.0")),
    ("192.88.99.0", "192.88.99.255", Some("192.88.98.255"), Some("192.88.100.0")),
    ("192.168.0.0", "192.168.255.255", Some("192.167.255.255"), Some("192.169.0.0")),
    ("198.18.0.0", "198.19.255.255", Some("198.17.255.255"), Some("198.20.0.0")),
    ("198.51.100.0", "198.51.100.255", Some("198.51.99.255"), Some("198.51.101.0")),
    ("203.0.113.0", "203.0.113.255", Some("203.0.112.255"), Some("203.0.114.0")),
    ("224.0.0.0", "239.255.255.255", Some("223.255.255.255"), None),
    ("240.0.0.0", "255.255.255.255", None, None),
];

#[test]
fn verdict_blocks_each_range_completely_and_not_its_neighbours() {
    for (first, last, before, after) in EDGES {
        for blocked in [first, last] {
            assert!(judge(blocked.parse().unwrap(), &[]).is_err(), "{blocked}");
        }
        for open in before.into_iter().chain(after) {
            assert_eq!(judge(open.parse().unwrap(), &[]), Ok(()), "{open}");
        }
    }
}

#[test]
fn verdict_blocks_ipv6_addresses_that_are_not_public() {
    let blocked = [
        "::",
        "::1",
        "::2",
        "100::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "3fff::1",
        "3fff:fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "64:ff9b:1::808:808",
    ];
    for text in blocked {
        assert!(judge(text.parse().unwrap(), &[]).is_err(), "{text}");
    }
    for text in [
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2a00:1450::1",
        "64:ff9b::808:808",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
    ] {
        assert_eq!(judge(text.parse().unwrap(), &[]), Ok(()), "{text}");
    }
}

#[test]
fn verdict_never_allows_metadata_services() {
    let everything = ["0.0.0.0/0", "::/0", "169.254.169.254", "host.example:443"];
    let addresses = [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
    ];
    for text in addresses {
        let v4: Ipv4Addr = text.parse().unwrap();
        assert_eq!(judge(v4.into(), &everything), Err(Blocked::Metadata), "{v4}");
        for v6 in embeddings(v4) {
            assert_eq!(judge(v6.into(), &everything), Err(Blocked::Metadata), "{v6}");
        }
    }
    for text in ["fd00:ec2::254", "fd20:ce::254"] {
        assert_eq!(judge(text.parse().unwrap(), &everything), Err(Blocked::Metadata), "{text}");
    }
}

#[test]
fn verdict_allows_a_listed_address_also_when_mapped_to_ipv6() {
    assert_eq!(judge("::ffff:10.1.2.3".parse().unwrap(), &["10.0.0.0/8"]), Ok(()));
    assert_eq!(judge("fd00::1".parse().unwrap(), &["fd00::/8"]), Ok(()));
    assert_eq!(judge("10.1.2.3".parse().unwrap(), &["host.example:443"]), Ok(()));
    assert!(judge("64:ff9b::10.1.2.3".parse().unwrap(), &["10.0.0.0/8"]).is_err());
    assert!(judge("10.1.2.3".parse().unwrap(), &["host.example:80"]).is_err());
}

proptest! {
    #[test]
    fn verdict_blocks_a_blocked_ipv4_address_inside_ipv6(range in 0..EDGES.len(), offset: u32) {
        let [first, last] = [EDGES[range].0, EDGES[range].1].map(|text| text.parse::<Ipv4Addr>().unwrap().to_bits());
        let v4 = Ipv4Addr::from_bits(first + offset % (last - first + 1));
        prop_assert!(judge(v4.into(), &[]).is_err());
        for v6 in embeddings(v4) {
            prop_assert!(judge(v6.into(), &[]).is_err(), "{} in {}", v4, v6);
        }
    }

    #[test]
    fn verdict_exists_for_any_address(bits: u128) {
        let _ = judge(Ipv6Addr::from_bits(bits).into(), &["10.0.0.0/8"]);
    }
}
